"""What crawlers and browsers look for."""

from webapp.seo.views import bp

__all__ = ["bp"]
