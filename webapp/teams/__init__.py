"""`/teams/`: teams, their members and their projects."""

from webapp.teams import invitations, members, tokens, views
from webapp.teams.blueprint import bp

__all__ = ["bp", "invitations", "members", "tokens", "views"]
