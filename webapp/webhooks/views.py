"""The pages of webhooks: list, create, change, what was sent, and sending it again.

Each has two addresses: `/manage/<name>/webhooks` for the owners of a project, and `/admin/webhooks` for administrators,
whose webhooks are told about every project.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import Package, Webhook, WebhookMessage
from webapp.documents.base import Plain, utc_now
from webapp.documents.webhook import KINDS
from webapp.members import audit
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me
from webapp.serving.pagination import paginate
from webapp.telling.outbox import send_again, send_test
from webapp.telling.signing import new_secret
from webapp.webhooks.blueprint import bp, message, project, webhook
from webapp.webhooks.forms import WebhookForm

V = TypeVar("V", bound=Callable[..., Any])

MOST_OF_PROJECT, MOST_OF_SITE = 10, 50
# How long messages are signed with the former secret as well, so that receivers can be told the new one.
BOTH_SECRETS = timedelta(days=1)


def _route(path: str, **options: Any) -> Callable[[V], V]:
    """Give a view its two addresses."""

    def decorate(view: V) -> V:
        bp.add_url_rule(f"/manage/<name>/webhooks{path}", view_func=view, **options)
        bp.add_url_rule(f"/admin/webhooks{path}", view_func=view, **options)
        return view

    return decorate


@_route("")
@members_only
def hooks(name: str | None = None) -> Response:
    """List the webhooks of a project or of the site."""
    package = project(name)
    found = Webhook.objects.of_project(package.pk if package else None).plain()
    return make_response(render_template("webhooks/list.html", package=package, hooks=found))


def _new(name: str | None = None) -> dict[str, Any]:
    return {"package": project(name), "initial": dict.fromkeys(KINDS, True)}


@_route("/new", methods=["GET", "POST"])
@members_only
@form_view(WebhookForm, "webhooks/form.html", _new)
def new_hook(form: WebhookForm, name: str | None = None) -> AnyResponse | None:
    """Create a webhook. This response is the only place that shows its secret, so it does not redirect."""
    package = project(name)
    most = MOST_OF_PROJECT if package else MOST_OF_SITE
    if Webhook.objects.of_project(package.pk if package else None).count() >= most:
        form.refuse("url", f"There can be at most {most} webhooks. Delete one that is no longer needed.")
        return None
    hook = Webhook(
        project=package.pk if package else None,
        url=form.url.data,
        kinds=form.chosen(),
        secret=new_secret(),
        created_at=utc_now(),
        created_by=me().user.shown_name,
        is_slow=True,
    )
    hook.save(force_insert=True)
    _record(package, f"Created a webhook to {hook.url}.")
    return _shown_secret(package, str(hook.id), hook.secret)


def _hook(hook_id: str, name: str | None = None) -> dict[str, Any]:
    package = project(name)
    hook = webhook(package, hook_id)
    initial = {"url": hook.get("url"), **{kind: kind in hook.get("kinds", []) for kind in KINDS}}
    return {"package": package, "hook": hook, "initial": initial}


@_route("/<hook_id>")
@members_only
def hook(hook_id: str, name: str | None = None) -> Response:
    """Show a webhook, and what was sent to it."""
    package = project(name)
    found = webhook(package, hook_id)
    page = render_template(
        "webhooks/hook.html",
        package=package,
        hook=found,
        found=paginate([WebhookMessage.objects.of_webhook(found["id"])]),
        form=ButtonForm(),
    )
    return make_response(page)


@_route("/<hook_id>/edit", methods=["GET", "POST"])
@members_only
@form_view(WebhookForm, "webhooks/form.html", _hook)
def edit_hook(form: WebhookForm, hook_id: str, name: str | None = None) -> AnyResponse:
    """Change the address of a webhook, or what it is told about."""
    package = project(name)
    found = webhook(package, hook_id)
    is_slow = found.get("is_slow", False) or form.url.data != found.get("url")
    _change(found, url=form.url.data, kinds=form.chosen(), is_slow=is_slow)
    _record(package, f"Changed the webhook to {form.url.data}.")
    flash("The webhook was changed.")
    return redirect(url_for("webhooks.hook", name=name, hook_id=hook_id))


@_route("/<hook_id>/<any('test', 'switch-off', 'switch-on', 'new-secret', 'delete'):act>", methods=["POST"])
@members_only
@form_view(ButtonForm, "webhooks/act.html", lambda hook_id, act, name=None: _hook(hook_id, name) | {"act": act})
def change_hook(_: ButtonForm, hook_id: str, act: str, name: str | None = None) -> AnyResponse:
    """Send a test, switch a webhook on or off, replace its secret, or delete it."""
    package = project(name)
    found = webhook(package, hook_id)
    address = url_for("webhooks.hook", name=name, hook_id=hook_id)
    if act == "test":
        send_test(found, me().user.shown_name)
        flash("A test was sent. Reload this page in a few seconds to see what came of it.")
    elif act == "delete":
        Webhook.objects.raw().delete_one({"_id": found["id"]})
        WebhookMessage.objects.raw().delete_many({"webhook_id": found["id"]})
        _record(package, f"Deleted the webhook to {found.get('url')}.")
        flash("The webhook was deleted.")
        address = url_for("webhooks.hooks", name=name)
    elif act == "new-secret":
        secret = new_secret()
        _change(found, secret=secret, old_secret=found.get("secret"), old_secret_until=utc_now() + BOTH_SECRETS)
        _record(package, f"Replaced the secret of the webhook to {found.get('url')}.")
        return _shown_secret(package, hook_id, secret)
    else:
        is_off = act == "switch-off"
        _change(found, is_off=is_off)
        _record(package, f"Switched the webhook to {found.get('url')} {'off' if is_off else 'on'}.")
        flash(f"The webhook is {'off' if is_off else 'on'}.")
    return redirect(address)


@_route("/<hook_id>/messages/<message_id>")
@members_only
def sent(hook_id: str, message_id: str, name: str | None = None) -> Response:
    """Show a message, and each try to deliver it."""
    package = project(name)
    hook = webhook(package, hook_id)
    page = render_template(
        "webhooks/message.html", package=package, hook=hook, message=message(hook, message_id), form=ButtonForm()
    )
    return make_response(page)


def _again(hook_id: str, message_id: str, name: str | None = None) -> dict[str, Any]:
    context = _hook(hook_id, name)
    return context | {"act": "send again", "message": message(context["hook"], message_id)}


@_route("/<hook_id>/messages/<message_id>/again", methods=["POST"])
@members_only
@form_view(ButtonForm, "webhooks/act.html", _again)
def again(_: ButtonForm, hook_id: str, message_id: str, name: str | None = None) -> AnyResponse:
    """Send a message again, with the same id."""
    send_again(message(webhook(project(name), hook_id), message_id))
    flash("The message is being sent again.")
    return redirect(url_for("webhooks.sent", name=name, hook_id=hook_id, message_id=message_id))


def _change(hook: Plain, **values: Any) -> None:
    Webhook.objects.raw().update_one({"_id": hook["id"]}, {"$set": values})


def _record(package: Package | None, what: str) -> None:
    if package:
        audit.record(audit.PROJECT, what, target=f"package {package.pk}")
    else:
        audit.record(audit.ADMINISTRATION, what, target="site")


def _shown_secret(package: Package | None, hook_id: str, secret: str) -> Response:
    return make_response(render_template("webhooks/secret.html", package=package, hook={"id": hook_id}, secret=secret))
