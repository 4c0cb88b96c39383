"""News of the index for feed readers."""

from webapp.feeds.views import bp

__all__ = ["bp"]
