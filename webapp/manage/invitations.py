"""`/account/invitations/<token>`: the page that an invitation's link leads to."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import maintaining
from webapp.documents import Package, User
from webapp.documents.hidden import everything_shown
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp
from webapp.manage.forms import AnswerForm
from webapp.members import audit, requirement, tokens
from webapp.members.form_views import form_view
from webapp.members.notices import tell_of_act
from webapp.members.sessions import signed_in_user


def _invitation(token: str) -> dict[str, Any]:
    """Return the invitation that a link names. Raises NotThere."""
    normalized_name, invitation_id = tokens.invitation_of(token)
    with everything_shown():
        package = Package.objects(pk=normalized_name).managed().declared_first()
    invitation = maintaining.valid_invitation(package, invitation_id)
    inviting = User.objects(pk=invitation.invited_by).only("name", "username").declared_first()
    package.name = package.name or package.pk
    return {
        "package": package,
        "invitation": invitation,
        "inviting": (inviting and (inviting.name or inviting.username)) or "Another user",
        "user": signed_in_user(),
        "here": request.path,
    }


@bp.route("/account/invitations/<token>", methods=["GET", "POST"])
@form_view(AnswerForm, "manage/invitation.html", _invitation)
def invitation(form: AnswerForm, token: str) -> AnyResponse:
    """Accept or decline an invitation. Anybody with the link may, but accepting needs an account."""
    found = _invitation(token)
    package: Package = found["package"]
    user: User | None = found["user"]
    if form.decline.data:
        maintaining.decline(package.pk, found["invitation"].invitation_id, user)
        flash(f"You declined the invitation to {package.name}.")
        return redirect(url_for("accounts.account" if user else "accounts.login"))
    if user is None:
        return redirect(url_for("accounts.login", next=request.path))
    if late := requirement.lead_to_it(user):
        return late
    role = maintaining.accept(package.pk, found["invitation"].invitation_id, user)
    audit.record(
        audit.PROJECT, f"Became {role} of {package.pk} by invitation.", user=user, target=f"package {package.pk}"
    )
    tell_of_act(package, f"Became {'an' if role == OWNER else 'a'} {role} of {package.name} by invitation")
    flash(f"You are now a maintainer of {package.name}.")
    return redirect(url_for("manage.releases", name=package.pk))
