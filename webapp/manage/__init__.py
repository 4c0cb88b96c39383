"""What members do with the projects they maintain: releases, files, maintainers, settings, history."""

from webapp.manage import invitations, maintainers, projects, publishers, publishing_sessions, releases, teams, tokens
from webapp.manage.blueprint import bp

__all__ = [
    "bp",
    "invitations",
    "maintainers",
    "projects",
    "publishers",
    "publishing_sessions",
    "releases",
    "teams",
    "tokens",
]
