"""Uploads, in the form that twine, uv, flit, poetry and hatch send."""

from webapp.publishing import views
from webapp.publishing.views import bp

__all__ = ["bp", "views"]
