"""Health checks of the site and its database."""

from webapp.health.views import bp

__all__ = ["bp"]
