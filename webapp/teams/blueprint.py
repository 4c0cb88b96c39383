"""The blueprint, who may see a team, and who may change it."""

from typing import Any

from flask import Blueprint, Response, abort

from webapp.documents import Team
from webapp.documents.user import TEAM_OWNER
from webapp.members.sessions import me, signed_in_member

bp = Blueprint("teams", __name__)


def team_or_404(name: str) -> Team:
    """Return a team that the member belongs to, or any for administrators; others get 404."""
    user = me().user
    team: Team | None = Team.objects(pk=name).declared_first()
    if team is None or not (user.is_admin or user.role_in(name)):
        abort(404, "There is no such team, or you do not belong to it.")
    return team


def owned_team(name: str) -> Team:
    """Return a team that the member may change; others get 403 or 404."""
    team = team_or_404(name)
    if not owns(name):
        abort(403, "Only an owner of the team or an administrator may do that.")
    return team


def owns(name: str) -> bool:
    """Tell whether the member may change a team: its owners may, and administrators."""
    user = me().user
    return bool(user.is_admin) or user.role_in(name) == TEAM_OWNER


def for_administrators() -> dict[str, Any]:
    """Load nothing, and answer 403 to others."""
    if not me().user.is_admin:
        abort(403, "This page is for administrators only.")
    return {}


@bp.context_processor
def for_templates() -> dict[str, Any]:
    """Tell templates whether the member is an administrator."""
    member = signed_in_member()
    return {"is_administrator": bool(member and member.user.is_admin)}


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to store these pages."""
    response.headers["Cache-Control"] = "no-store"
    return response
