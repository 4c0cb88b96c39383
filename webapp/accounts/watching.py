"""`/account/watching`: the projects that a member watches, and how they are told."""

import hashlib
import secrets
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.blueprint import bp
from webapp.accounts.forms import WatchForm, WatchMailForm
from webapp.documents import Package, Watcher
from webapp.documents.base import Plain, utc_now
from webapp.documents.watcher import MOST_WATCHED, NEVER
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.rules import naming
from webapp.serving.filters import absolute_url


def _watched() -> dict[str, Any]:
    watcher: Plain = Watcher.objects(pk=me().user.id).plain_first() or {}
    names = sorted(watcher.get("projects", []))
    shown = {each["normalized_name"]: each.get("name") for each in Package.objects(pk__in=names).only("name").plain()}
    return {
        "watcher": watcher,
        "projects": {name: shown.get(name) or name for name in names},
        "button_form": ButtonForm(),
        "initial": {"project": request.args.get("project", "")},
    }


@bp.route("/account/watching", methods=["GET", "POST"])
@members_only
@form_view(WatchForm, "accounts/watching.html", _watched)
def watching(form: WatchForm) -> AnyResponse | None:
    """List the projects that a member watches, and add one."""
    try:
        package = Package.objects.named(form.project.data).only("name").plain_first()
    except naming.InvalidName:
        package = None
    if package is None:
        form.refuse("project", "There is no project with this name on this site.")
        return None
    mine = {"_id": me().user.id}
    name = package["normalized_name"]
    Watcher.objects.raw().update_one(mine, {"$setOnInsert": {"projects": [], "mail": NEVER, "news": []}}, upsert=True)
    room = {f"projects.{MOST_WATCHED - 1}": {"$exists": False}}
    if not Watcher.objects.change_lists(mine | room, {"$addToSet": {"projects": name}}):
        form.refuse("project", f"You can watch at most {MOST_WATCHED} projects.")
        return None
    flash(f"You watch {package.get('name', name)}.")
    return redirect(url_for("accounts.watching"))


@bp.post("/account/watching/<name>/end")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def unwatch(_: ButtonForm, name: str) -> AnyResponse:
    """Stop watching a project."""
    Watcher.objects.change_lists({"_id": me().user.id}, {"$pull": {"projects": name}})
    flash(f"You no longer watch {name}.")
    return redirect(url_for("accounts.watching"))


def _mail() -> dict[str, Any]:
    watcher: Plain = Watcher.objects(pk=me().user.id).plain_first() or {}
    return {"user": me().user, "initial": {"mail": watcher.get("mail", NEVER)}}


@bp.route("/account/watching/mail", methods=["GET", "POST"])
@members_only
@form_view(WatchMailForm, "accounts/watching_mail.html", _mail)
def watching_mail(form: WatchMailForm) -> AnyResponse:
    """Choose whether news come by mail: never, at once, or once a day. What happened before is not mailed."""
    values = {"mail": form.mail.data, "mailed_until": utc_now()}
    change = {"$set": values, "$unset": {"mail_at": ""}}
    Watcher.objects.raw().update_one({"_id": me().user.id}, change, upsert=True)
    flash("Your choice was saved.")
    return redirect(url_for("accounts.watching"))


@bp.post("/account/watching/feed")
@members_only
@form_view(ButtonForm, "accounts/sign_out.html")
def new_feed(_: ButtonForm) -> AnyResponse:
    """Make a new address for the member's feed; the old one ends. Only this response shows it."""
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    Watcher.objects.raw().update_one({"_id": me().user.id}, {"$set": {"feed_digest": digest}}, upsert=True)
    address = absolute_url("feeds.watching", token=secret)
    return make_response(render_template("accounts/watching_feed.html", address=address))
