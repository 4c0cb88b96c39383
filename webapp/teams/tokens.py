"""`/teams/<team>/tokens`: the API tokens of a team."""

from typing import Any

from flask import url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents.api_token import TEAM
from webapp.members import shared_tokens
from webapp.members.form_views import confirmed_with_second_factor, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.shared_tokens import Shared
from webapp.members.token_form import TokenForm
from webapp.teams.blueprint import bp, owned_team


def _shared(team: str) -> Shared:
    found = owned_team(team)
    address, back = url_for("teams.tokens", team=team), url_for("teams.members", team=team)
    return Shared(TEAM, team, f"the team {found.shown_name}", address, back)


def _context(team: str, **_: str) -> dict[str, Any]:
    shared = _shared(team)
    return {"owned": shared.shown, "back": shared.address}


@bp.get("/teams/<team>/tokens")
@members_only
def tokens(team: str) -> AnyResponse:
    """List the API tokens of a team."""
    return shared_tokens.listed(_shared(team))


@bp.route("/teams/<team>/tokens/new", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(TokenForm, "accounts/new_token.html", _context)
def new_token(form: TokenForm, team: str) -> AnyResponse | None:
    """Create an API token of a team. Only this answer shows its secret."""
    return shared_tokens.made(form, _shared(team))


@bp.post("/teams/<team>/tokens/<token_id>/revoke")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html", _context)
def revoke_token(_: ButtonForm, team: str, token_id: str) -> AnyResponse:
    """Revoke an API token of a team."""
    return shared_tokens.revoked(_shared(team), token_id)
