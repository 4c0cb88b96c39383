"""What crawlers and browsers ask for."""

from webapp.seo.views import bp

__all__ = ["bp"]
