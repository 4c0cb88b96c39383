"""The pages of the API tokens that belong to a team or a project: their owners make and revoke them.

Such a token goes on working when the person who made it leaves.
"""

from datetime import timedelta
from typing import NamedTuple

import bson
from flask import abort, flash, make_response, redirect, render_template
from pymongo import ReadPreference
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import ApiToken, Package, Team, User
from webapp.documents.api_token import PROJECT, TokenOwner
from webapp.documents.base import ReadingQuerySet, utc_now
from webapp.members import audit, email_confirmation
from webapp.members.api_tokens import USER, make_token
from webapp.members.confirmation import password_is_correct
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.members.token_form import TokenForm
from webapp.serving.filters import site_url

MOST_TOKENS = 50


class Shared(NamedTuple):
    """A team or project whose tokens are shown: what it is, its name, as people read it, and where its pages are."""

    kind: str
    name: str
    shown: str
    address: str  # of the list of its tokens
    back: str  # of its own page


def listed(shared: Shared) -> AnyResponse:
    """Show the tokens of a team or a project."""
    tokens = ApiToken.objects.of_owner(shared.kind, shared.name).plain()
    makers = User.objects(pk__in=[each["made_by"] for each in tokens if "made_by" in each]).only("name", "username")
    page = render_template(
        "accounts/tokens.html",
        tokens=tokens,
        makers={each["id"]: User(**each).shown_name for each in makers.plain()},
        now=utc_now(),
        form=ButtonForm(),
        owned=shared.shown,
        back=shared.back,
        new_address=f"{shared.address}/new",
        revoke_address=shared.address,
    )
    return make_response(page)


def made(form: TokenForm, shared: Shared) -> AnyResponse | None:
    """Make a token from a valid form and show its secret, or return None after adding an error to the form."""
    user = me().user
    if email_confirmation.must_confirm(user):
        abort(403, email_confirmation.UNCONFIRMED)
    if not password_is_correct(form):
        return None
    if ApiToken.objects.of_owner(shared.kind, shared.name).count() >= MOST_TOKENS:
        form.refuse("name", f"There can be at most {MOST_TOKENS} API tokens. Revoke one that nobody needs.")
        return None
    days = form.lifetime.data
    secret, token = make_token(
        user,
        name=form.name.data,
        projects=[shared.name] if shared.kind == PROJECT else (form.project.data or "").split(),
        permissions=form.purpose.data.split(),
        expires_at=utc_now() + timedelta(days=int(days)) if days else None,
        networks=(form.networks.data or "").split(),
        owner=TokenOwner(kind=shared.kind, name=shared.name),
    )
    if not _is_there(shared):  # it was deleted at this moment, and another may get its name
        ApiToken.objects.raw().delete_one({"_id": token.id})
        abort(404, f"This {shared.kind} no longer exists.")
    said = f"Created the API token “{token.name}” ({token.hint}…) of the {shared.kind} {shared.name}."
    audit.record(audit.TOKEN, said, target=_target(shared))
    return make_response(
        render_template(
            "accounts/token_made.html",
            secret=secret,
            token=token,
            user_name=USER,
            address=site_url(),
            back=shared.address,
        )
    )


def revoked(shared: Shared, token_id: str) -> AnyResponse:
    """Revoke a token of a team or a project, or answer 404."""
    its = {"owner.kind": shared.kind, "owner.name": shared.name}
    known = bson.ObjectId.is_valid(token_id)
    token = ApiToken.objects.raw().find_one_and_delete({"_id": bson.ObjectId(token_id)} | its) if known else None
    if token is None:
        abort(404, "API token not found. It may already have been revoked.")
    said = f"Revoked the API token “{token.get('name')}” ({token.get('hint')}…) of the {shared.kind} {shared.name}."
    audit.record(audit.TOKEN, said, target=_target(shared))
    flash("The token was revoked. Programs that use it can no longer sign in.")
    return redirect(shared.address)


def _is_there(shared: Shared) -> bool:
    owners: ReadingQuerySet = Package.objects if shared.kind == PROJECT else Team.objects
    return bool(owners.read_preference(ReadPreference.PRIMARY).filter(pk=shared.name).count())


def _target(shared: Shared) -> str:
    return f"package {shared.name}" if shared.kind == PROJECT else f"team {shared.name}"
