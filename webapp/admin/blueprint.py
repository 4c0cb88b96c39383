"""The admin blueprint: access control and overview."""

from flask import Blueprint, Response, abort, make_response, render_template
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import AuditEvent, User
from webapp.members import requirement
from webapp.members.sessions import signed_in_user, to_sign_in

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.before_request
def administrators_only() -> AnyResponse | None:
    """Restrict the pages to administrators."""
    user = signed_in_user()
    if user is None:
        return to_sign_in()
    if not user.is_admin:
        abort(403, "This page is for administrators only.")
    return requirement.lead_to_it(user)


@bp.after_request
def keep_private(response: Response) -> Response:
    """Forbid caches to store these pages."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/")
def index() -> Response:
    """Show administrators and recent activity."""
    page = render_template(
        "admin/index.html",
        administrators=User.objects.administrators().only("name", "username", "email").plain(),
        events=AuditEvent.objects.newest().limit(10).plain(),
    )
    return make_response(page)
