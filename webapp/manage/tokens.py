"""`/manage/<name>/tokens`: the API tokens of a project."""

from typing import Any

from flask import url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents.api_token import PROJECT
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp, project
from webapp.members import shared_tokens
from webapp.members.form_views import confirmed_with_second_factor, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.shared_tokens import Shared
from webapp.members.token_form import TokenForm


def _shared(name: str) -> Shared:
    package = project(name, OWNER)
    address, back = url_for("manage.tokens", name=package.pk), url_for("manage.settings", name=package.pk)
    return Shared(PROJECT, package.pk, package.name, address, back)


def _context(name: str, **_: str) -> dict[str, Any]:
    shared = _shared(name)
    return {"owned": shared.shown, "back": shared.address}


@bp.get("/manage/<name>/tokens")
@members_only
def tokens(name: str) -> AnyResponse:
    """List the API tokens of a project."""
    return shared_tokens.listed(_shared(name))


@bp.route("/manage/<name>/tokens/new", methods=["GET", "POST"])
@confirmed_with_second_factor
@form_view(TokenForm, "accounts/new_token.html", _context)
def new_token(form: TokenForm, name: str) -> AnyResponse | None:
    """Create an API token of a project. Only this answer shows its secret."""
    return shared_tokens.made(form, _shared(name))


@bp.post("/manage/<name>/tokens/<token_id>/revoke")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html", _context)
def revoke_token(_: ButtonForm, name: str, token_id: str) -> AnyResponse:
    """Revoke an API token of a project."""
    return shared_tokens.revoked(_shared(name), token_id)
