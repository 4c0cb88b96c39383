"""Statistics."""

from webapp.stats.views import bp

__all__ = ["bp"]
