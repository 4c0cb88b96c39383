"""Content pages written by administrators."""

from webapp.pages.views import bp

__all__ = ["bp"]
