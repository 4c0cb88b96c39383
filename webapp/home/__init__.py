"""The first page, and what Larder is."""

from webapp.home.views import bp

__all__ = ["bp"]
