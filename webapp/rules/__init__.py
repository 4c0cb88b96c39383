"""The rules of the field, as pure functions: no Flask, no MongoDB."""
