"""Administration, only for users with `is_admin`."""

from webapp.admin import audit_log, content, maintainers, packages, people
from webapp.admin.blueprint import bp

__all__ = ["audit_log", "bp", "content", "maintainers", "packages", "people"]
