"""What pip, uv and other programs read: the Simple API and PyPI's JSON API."""

from webapp.index_api import pypi_json, simple, stage, xmlrpc
from webapp.index_api.blueprint import bp

__all__ = ["bp", "pypi_json", "simple", "stage", "xmlrpc"]
