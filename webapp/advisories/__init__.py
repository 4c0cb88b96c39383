"""Security advisories: what `uv audit` and `pip-audit` ask, and pages for people."""

from webapp.advisories import feeds, osv_api, views
from webapp.advisories.blueprint import bp

__all__ = ["bp", "feeds", "osv_api", "views"]
