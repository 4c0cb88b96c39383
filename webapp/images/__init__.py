"""`/description-image/`: the images of descriptions."""

from webapp.images.views import bp

__all__ = ["bp"]
