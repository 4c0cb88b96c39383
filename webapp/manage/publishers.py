"""`/manage/<name>/publishers` and `/account/publishers/`: the pipelines that may publish, or create a project."""

from typing import Any

import bson
from flask import Response, abort, flash, make_response, redirect, render_template, url_for
from packaging.utils import NormalizedName
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes.maintaining import NotThere
from webapp.changes.publishers import (
    AlreadyPrepared,
    SessionsDemanded,
    TooManyPublishers,
    add_pending,
    add_publisher,
    demand_publishers,
    new_publisher,
    remove_publisher,
)
from webapp.documents import Package, PendingPublisher, Publisher
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp, button_for, is_owner, project
from webapp.manage.forms import PendingPublisherForm, PublisherForm
from webapp.members import audit, email_confirmation
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_of_act
from webapp.members.sessions import me
from webapp.openid.providers import audience_of, issuers
from webapp.rules import naming
from webapp.rules.publishers import key_of
from webapp.serving.filters import site_url

# Of what identifies a pipeline, in the subject of a mail.
MAX_KEY_SHOWN = 100
NONE_TRUSTED = "This site trusts no issuer. An operator can name some in TRUSTED_ISSUERS."


@bp.get("/manage/<name>/publishers")
@members_only
def publishers(name: str) -> Response:
    """Show which pipelines may publish to a project, and whether only they may."""
    package = project(name)
    page = render_template(
        "manage/publishers.html",
        package=package,
        is_owner=is_owner(package),
        issuers=list(issuers()),
        audience=audience_of(),
        address=site_url(),
        form=ButtonForm(),
    )
    return make_response(page)


def _new(name: str) -> dict[str, Any]:
    package = project(name, OWNER)
    if not issuers():
        abort(404, NONE_TRUSTED)
    return {"package": package, "initial": {}}


@bp.route("/manage/<name>/publishers/new", methods=["GET", "POST"])
@confirmed_members_only
@form_view(PublisherForm, "manage/new_publisher.html", _new)
def new_publisher_page(form: PublisherForm, name: str) -> AnyResponse | None:
    """Let a pipeline publish to a project."""
    package, publisher = project(name, OWNER), _publisher(form)
    try:
        is_new = add_publisher(package.pk, publisher, me().user)
    except TooManyPublishers as error:
        form.refuse("conditions", str(error))
        return None
    if is_new:
        _record(f"Let a pipeline publish {package.pk}: {publisher.key}.", package.pk)
        tell_of_act(package, f"Let a pipeline publish {package.name}: {publisher.key[:MAX_KEY_SHOWN]}")
    flash(f"This pipeline can publish {package.name} now." if is_new else "This pipeline could already publish.")
    return redirect(url_for("manage.publishers", name=package.pk))


@bp.route("/manage/<name>/publishers/<publisher_id>/remove", methods=["GET", "POST"])
@confirmed_members_only
@form_view(
    ButtonForm,
    "manage/act.html",
    button_for("Remove the publisher", OWNER, "This pipeline no longer publishes {project}."),
)
def remove_publisher_page(_: ButtonForm, name: str, publisher_id: str) -> AnyResponse:
    """Let a pipeline no longer publish to a project."""
    package = project(name, OWNER)
    removed = remove_publisher(package.pk, publisher_id, me().user)
    _record(f"Removed a publisher of {package.pk}: {removed.key}.", package.pk)
    tell_of_act(package, f"Removed a publisher of {package.name}: {removed.key[:MAX_KEY_SHOWN]}")
    flash("The publisher was removed. Its tokens are worthless now.")
    return redirect(url_for("manage.publishers", name=package.pk))


@bp.route("/manage/<name>/publishers/only/<any(on, off):choice>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "manage/act.html", button_for("Choose who publishes", OWNER))
def only_publishers(_: ButtonForm, name: str, choice: str) -> AnyResponse:
    """Accept new files from trusted publishers only ("on"), or with API tokens too ("off")."""
    package = project(name, OWNER)
    if choice == "on" and not package.publishers:
        abort(409, "The project has no trusted publisher, so nobody could upload. Add one first.")
    try:
        is_changed = demand_publishers(package.pk, me().user, is_demanded=choice == "on")
    except SessionsDemanded as error:
        abort(409, str(error))
    if is_changed:
        said = "from trusted publishers only" if choice == "on" else "with API tokens too"
        _record(f"New files of {package.pk} are accepted {said}.", package.pk)
        tell_of_act(package, f"Chose that new files of {package.name} are accepted {said}")
        flash(f"New files are accepted {said}.")
    return redirect(url_for("manage.publishers", name=package.pk))


@bp.get("/account/publishers/")
@members_only
def pending_publishers() -> Response:
    """List the pipelines that may create projects for a member."""
    found = PendingPublisher.objects.of_user(me().user.id).plain()
    page = render_template("manage/pending_publishers.html", found=found, issuers=list(issuers()), form=ButtonForm())
    return make_response(page)


def _new_pending() -> dict[str, Any]:
    if not issuers():
        abort(404, NONE_TRUSTED)
    if email_confirmation.must_confirm(me().user):
        abort(403, email_confirmation.UNCONFIRMED)
    return {"initial": {}}


@bp.route("/account/publishers/new", methods=["GET", "POST"])
@confirmed_members_only
@form_view(PendingPublisherForm, "manage/new_pending_publisher.html", _new_pending)
def new_pending_publisher(form: PendingPublisherForm) -> AnyResponse | None:
    """Let a pipeline create a project, which belongs to the member then."""
    name: NormalizedName = naming.normalize_name(form.project.data)
    if Package.objects(pk=name).count():
        form.refuse("project", "This project exists. Its owners add publishers in its settings.")
        return None
    publisher = _publisher(form)
    try:
        add_pending(name, publisher, me().user)
    except (AlreadyPrepared, TooManyPublishers) as error:
        form.refuse("project", str(error))
        return None
    _record(f"Let a pipeline create {name}: {publisher.key}.", name)
    flash(f"This pipeline can create {name} within 30 days.")
    return redirect(url_for("manage.pending_publishers"))


@bp.post("/account/publishers/<publisher_id>/remove")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def remove_pending_publisher(_: ButtonForm, publisher_id: str) -> AnyResponse:
    """Let a pipeline no longer create a project."""
    mine = {"_id": bson.ObjectId(publisher_id), "user_id": me().user.id} if bson.ObjectId.is_valid(publisher_id) else {}
    removed = PendingPublisher.objects.raw().find_one_and_delete(mine) if mine else None
    if removed is None:
        raise NotThere("This pending publisher no longer exists.")
    _record(f"Removed the pending publisher of {removed.get('project')}.", str(removed.get("project")))
    flash("The pending publisher was removed.")
    return redirect(url_for("manage.pending_publishers"))


def _publisher(form: PublisherForm) -> Publisher:
    conditions, issuer = form.chosen(), form.issuer.data
    return new_publisher(issuer, key_of(issuer, conditions) or "", conditions, me().user)


def _record(said: str, name: str) -> None:
    audit.record(audit.PROJECT, said[:500], target=f"package {name}")
