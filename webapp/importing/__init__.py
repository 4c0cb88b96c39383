"""Packages from elsewhere: PyPI JSON documents and installed distributions become Package documents."""
