"""Administration, only for users with `is_admin`."""

from webapp.admin import content, maintainers, people
from webapp.admin.blueprint import bp

__all__ = ["bp", "content", "maintainers", "people"]
