"""Totals, charts and what is most frequent."""

from webapp.stats.views import bp

__all__ = ["bp"]
