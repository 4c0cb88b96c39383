"""Content pages that the site's people write."""

from webapp.pages.views import bp

__all__ = ["bp"]
