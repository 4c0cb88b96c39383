"""The blueprint, and who may see and change which webhooks."""

import bson
from flask import Blueprint, Response, abort
from werkzeug.exceptions import Forbidden

from webapp.changes.maintaining import NotPermitted, check_role
from webapp.documents import Package, Webhook, WebhookMessage
from webapp.documents.base import Plain
from webapp.documents.package import OWNER
from webapp.members.sessions import me
from webapp.serving.errors import http_error

bp = Blueprint("webhooks", __name__)


def project(name: str | None) -> Package | None:
    """Return a project for one of its owners or, without a name, None for an administrator.

    Raises NotFound, Forbidden, and NotPermitted with a reason.
    """
    if name is None:
        if not me().user.is_admin:
            abort(403, "This page is for administrators only.")
        return None
    package: Package | None = Package.objects.named(name).managed().declared_first()
    if package is None:
        abort(404, f"There is no project called “{name}” on this site.")
    check_role(package, OWNER, me().user)
    package.name = package.name or package.pk
    return package


def webhook(package: Package | None, hook_id: str) -> Plain:
    """Return a webhook of this project or, for None, of the site. Raises NotFound."""
    key = bson.ObjectId(hook_id) if bson.ObjectId.is_valid(hook_id) else None
    mine = Webhook.objects.of_project(package.pk if package else None)
    return mine.filter(pk=key).plain_first() or abort(404, "This webhook no longer exists.")


def message(hook: Plain, message_id: str) -> Plain:
    """Return a message of a webhook. Raises NotFound."""
    found = WebhookMessage.objects.of_webhook(hook["id"]).filter(pk=message_id).plain_first()
    return found or abort(404, "This message no longer exists: messages are kept for two weeks.")


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to store these pages."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(NotPermitted)
def not_permitted(error: NotPermitted) -> Response:
    """Answer 403 with the reason."""
    return http_error(Forbidden(str(error)))
