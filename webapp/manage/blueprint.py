"""The blueprint, its access control, and its error pages."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import Conflict, Forbidden, NotFound

from webapp.changes.maintaining import LastOwner, NotPermitted, NotThere, check_role
from webapp.documents import Package
from webapp.documents.package import MAINTAINER
from webapp.manage.forms import DeletionForm
from webapp.members import sessions
from webapp.members.confirmation import password_is_correct
from webapp.members.sessions import me
from webapp.serving.errors import http_error

bp = Blueprint("manage", __name__)

ASK_PASSWORD = "You signed in more than 30 minutes ago. Enter your password as well."  # noqa: S105 - a message


def project(name: str, role: str = MAINTAINER) -> Package:
    """Return a project, without its releases, for a member who has at least this role in it.

    Raises NotFound, or NotPermitted with a reason: anybody may know that a project exists.
    """
    found = Package.objects.named(name).managed().declared_first()
    return permitted(found, name, role)


def permitted(package: Package | None, name: str, role: str) -> Package:
    """Return this package if the member has at least this role in it; see `project`."""
    if package is None:
        abort(404, f"There is no project called “{name}” on this site.")
    check_role(package, role, me().user)
    package.name = package.name or package.pk
    return package


def button_for(act: str, role: str = MAINTAINER) -> Callable[..., dict[str, Any]]:
    """Return a function that loads the page of a button, shown only if its form had expired; `act` is its label."""

    def load(name: str, **_: str) -> dict[str, Any]:
        return {"package": project(name, role), "act": act}

    return load


def deletion(package: Package, expected: str, **context: Any) -> dict[str, Any]:
    """Return the variables for a page that deletes something; `expected` is what has to be typed."""
    return {"package": package, "expected": expected, "ask_password": not sessions.is_fresh(), **context}


def is_confirmed(form: DeletionForm, *expected: str) -> bool:
    """Check the typed name, and the password if the sign-in is old; add errors to the fields."""
    if form.typed.data not in expected:
        form.refuse("typed", f"Type “{expected[0]}” to confirm.")
        return False
    if sessions.is_fresh():
        return True
    if not form.password.data:
        form.refuse("password", ASK_PASSWORD)
        return False
    if not password_is_correct(form):
        return False
    sessions.confirm()
    return True


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to store these pages."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(NotPermitted)
def not_permitted(error: NotPermitted) -> Response:
    """Answer 403 with the reason."""
    return http_error(Forbidden(str(error)))


@bp.errorhandler(NotThere)
def not_there(error: NotThere) -> Response:
    """Answer 404, or 410 for the link of an invitation, and say what is missing."""
    gone = NotFound(str(error))
    if request.endpoint == "manage.invitation":
        gone.code = 410
    return http_error(gone)


@bp.errorhandler(LastOwner)
def last_owner(error: LastOwner) -> Response:
    """Answer 409: somebody else has to become an owner first."""
    return http_error(Conflict(str(error)))
