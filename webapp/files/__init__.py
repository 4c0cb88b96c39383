"""Downloads of uploaded files."""

from webapp.files import views
from webapp.files.views import bp

__all__ = ["bp", "views"]
