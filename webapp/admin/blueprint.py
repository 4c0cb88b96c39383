"""The admin blueprint: access control, overview and audit log."""

from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import AuditEvent, User
from webapp.members import audit
from webapp.members.sessions import signed_in_user, to_sign_in
from webapp.serving.pagination import paginate

bp = Blueprint("admin", __name__, url_prefix="/admin")

EVENTS_PER_PAGE = 50


@bp.before_request
def administrators_only() -> AnyResponse | None:
    """Restrict the pages to administrators."""
    user = signed_in_user()
    if user is None:
        return to_sign_in()
    if not user.is_admin:
        abort(403, "This page is for administrators only.")
    return None


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


@bp.get("/audit")
def audit_log() -> Response:
    """Show the audit log, optionally filtered by kind."""
    kind = request.args.get("kind", "")
    if kind and kind not in audit.KINDS:
        abort(400, f"Choose one of these kinds: {', '.join(audit.KINDS)}.")
    question = AuditEvent.objects.of_kind(kind) if kind else AuditEvent.objects.newest()
    found = paginate([question], EVENTS_PER_PAGE)
    return make_response(render_template("admin/audit.html", found=found, kind=kind, kinds=audit.KINDS))
