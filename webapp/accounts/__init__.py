"""Members. For now their public profiles; signing in gets its place here."""

from webapp.accounts.views import bp

__all__ = ["bp"]
