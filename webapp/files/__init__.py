"""The files that are kept here: fetching them, and who has which name."""

from webapp.files import views
from webapp.files.views import bp

__all__ = ["bp", "views"]
