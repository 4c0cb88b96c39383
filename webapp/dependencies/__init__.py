"""`/dependencies/`: what a release needs, and what needs it."""

from webapp.dependencies.views import bp

__all__ = ["bp"]
