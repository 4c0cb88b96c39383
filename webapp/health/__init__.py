"""Whether the site and its database answer."""

from webapp.health.views import bp

__all__ = ["bp"]
