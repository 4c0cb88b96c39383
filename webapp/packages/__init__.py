"""Project pages, and lists of projects."""

from webapp.packages.views import bp

__all__ = ["bp"]
