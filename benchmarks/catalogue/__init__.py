"""A made-up catalogue that looks like PyPI, of any size and the same for the same seed."""
