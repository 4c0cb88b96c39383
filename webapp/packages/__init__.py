"""Projects: their pages, lists and what they are filed under."""

from webapp.packages.views import bp

__all__ = ["bp"]
