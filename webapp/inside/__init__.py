"""`/inside/`: what a wheel or sdist contains."""

from webapp.inside.views import bp

__all__ = ["bp"]
