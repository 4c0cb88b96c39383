"""The blueprint, its access control, and its error pages."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, g, request
from werkzeug.exceptions import Conflict, Forbidden, NotFound

from webapp.changes.maintaining import LastOwner, NotPermitted, NotThere, check_role
from webapp.documents import Package
from webapp.documents.package import MAINTAINER, OWNER
from webapp.manage.forms import DeletionForm
from webapp.members import local_sign_in, sessions
from webapp.members.confirmation import password_is_correct
from webapp.members.sessions import me
from webapp.serving.errors import http_error

bp = Blueprint("manage", __name__)

ASK_PASSWORD = "You signed in more than 30 minutes ago. Enter your password as well."  # noqa: S105 - a message

# What administrators of the site see of projects that they do not maintain.
OPEN_TO_ADMINISTRATORS = {
    "manage.releases",
    "manage.release",
    "manage.maintainers",
    "manage.history",
    "manage.settings",
}


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
    if me().user.is_admin and request.method == "GET" and request.endpoint in OPEN_TO_ADMINISTRATORS:
        # They act in /admin/packages/, with a reason.
        g.is_visiting = package.role_of(me().user.id, me().user.team_names) is None
    else:
        check_role(package, role, me().user)
    package.name = package.name or package.pk
    return package


def is_owner(package: Package) -> bool:
    """Tell whether the member owns a project, by themselves or with a team."""
    user = me().user
    return package.role_of(user.id, user.team_names) == OWNER


def button_for(act: str, role: str = MAINTAINER, about: str = "") -> Callable[..., dict[str, Any]]:
    """Return a function that loads the page that asks before an act; `act` is the label of its button.

    `about` says what happens, with the values of the route: "The team {team} becomes {role} of {project}."
    """

    def load(name: str, **values: str) -> dict[str, Any]:
        package = project(name, role)
        people = {str(each.user_id): each.name for each in package.maintainers}
        person = people.get(values.get("user_id", "")) or "This user"
        return {"package": package, "act": act, "about": about.format(project=package.name, person=person, **values)}

    return load


def deletion(package: Package, expected: str, **context: Any) -> dict[str, Any]:
    """Return the variables for a page that deletes something; `expected` is what has to be typed."""
    if _is_stale():
        abort(sessions.to_confirm())
    ask_password = local_sign_in.has_only_password(me().user) and not sessions.is_fresh()
    return {"package": package, "expected": expected, "ask_password": ask_password, **context}


def _is_stale() -> bool:
    """Tell whether a member has to confirm that it is them; those with nothing but a password enter it in the form."""
    is_fresh = sessions.is_fresh(when_opened=request.method == "POST")
    return not is_fresh and not local_sign_in.has_only_password(me().user)


def is_confirmed(form: DeletionForm, *expected: str) -> bool:
    """Check the typed name, and the password if the sign-in is old; add errors to the fields."""
    if form.typed.data not in expected:
        form.refuse("typed", f"Type “{expected[0]}” to confirm.")
        return False
    if not local_sign_in.has_only_password(me().user) or sessions.is_fresh():
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
