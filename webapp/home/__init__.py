"""The home page, and the page about the site."""

from webapp.home.views import bp

__all__ = ["bp"]
