"""Finding projects."""

from webapp.search.views import bp

__all__ = ["bp"]
