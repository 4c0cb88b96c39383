"""`/manage/<name>/maintainers`: the maintainers of a project, and its invitations."""

from typing import Any

import bson
from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import maintaining
from webapp.changes.maintaining import NotThere, TooManyInvitations, is_needed, pending
from webapp.documents import Invitation, Package, User
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp, button_for, project
from webapp.manage.forms import InvitationForm
from webapp.members import audit, limits, mails, tokens
from webapp.members.form_views import form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.sessions import me

Context = dict[str, Any]


def _people(name: str) -> Context:
    package, user = project(name), me().user
    return {
        "package": package,
        "me": user.id,
        "is_owner": package.role_of(user.id) == OWNER,
        "has_owner": any(each.role == OWNER for each in package.maintainers),
        "needed": [each.user_id for each in package.maintainers if is_needed(package, each.user_id)],
        "pending": pending(package),
        "button_form": ButtonForm(),
    }


@bp.route("/manage/<name>/maintainers", methods=["GET", "POST"])
@members_only
@form_view(InvitationForm, "manage/maintainers.html", _people)
def maintainers(form: InvitationForm, name: str) -> AnyResponse | None:
    """Show the maintainers of a project; owners can invite others by mail."""
    package, user, email = project(name, OWNER), me().user, form.email.data
    if not mails.can_send_links():
        form.refuse("email", mails.NONE_SENT)
        return None
    if not limits.count_mail(email):
        form.refuse("email", "Too many emails were sent to this address. Try again later.")
        return None
    try:
        invitation = maintaining.invite(package.pk, email, form.role.data, user)
    except TooManyInvitations as error:
        form.refuse("email", str(error))
        return None
    _send(package, invitation, user)
    audit.record(
        audit.PROJECT, f"Invited {email} as {invitation.role} of {package.pk}.", target=f"package {package.pk}"
    )
    flash(f"We sent an invitation to {email}.")
    return redirect(url_for("manage.maintainers", name=package.pk))


def _send(package: Package, invitation: Invitation, by: User) -> None:
    context = {
        "link": mails.link_to("manage.invitation", token=tokens.for_invitation(package.pk, invitation.invitation_id)),
        "project": package.name,
        "inviting": by.shown_name,
        "role": invitation.role,
        "days": maintaining.INVITATION_AGE.days,
    }
    email = invitation.email
    mails.later(lambda: mails.send("invitation", email, f"Invitation to {package.name}", **context))


@bp.post("/manage/<name>/invitations/<invitation_id>/revoke")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Revoke the invitation", OWNER))
def revoke_invitation(_: ButtonForm, name: str, invitation_id: str) -> AnyResponse:
    """Cancel an invitation, which makes its link invalid."""
    package = project(name, OWNER)
    revoked = maintaining.revoke_invitation(package.pk, invitation_id, me().user)
    audit.record(audit.PROJECT, f"Revoked the invitation of {revoked.email}.", target=f"package {package.pk}")
    flash(f"The invitation of {revoked.email} was revoked.")
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.post("/manage/<name>/maintainers/<user_id>/<any(owner, maintainer):role>")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Change the role", OWNER))
def change_role(_: ButtonForm, name: str, user_id: str, role: str) -> AnyResponse:
    """Change the role of a maintainer; the last owner stays one."""
    package, person = _person(name, user_id)
    maintaining.change_role(package.pk, person.user_id, role, me().user)
    _note(f"Made {person.name or 'a user'} {role} of {package.pk}.", package, person.user_id)
    flash(f"{person.name or 'This user'} is now {'an' if role == OWNER else 'a'} {role}.")
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.post("/manage/<name>/maintainers/<user_id>/remove")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Remove them", OWNER))
def remove_maintainer(_: ButtonForm, name: str, user_id: str) -> AnyResponse:
    """Remove a maintainer."""
    package, person = _person(name, user_id)
    maintaining.end_maintaining(package.pk, person.user_id, me().user)
    _note(f"Removed {person.name or 'a user'} from {package.pk}.", package, person.user_id)
    flash(f"{person.name or 'This user'} no longer maintains {package.name}.")
    # Members who removed themselves can no longer see this project.
    return redirect(
        url_for("manage.index") if person.user_id == me().user.id else url_for("manage.maintainers", name=package.pk)
    )


def _person(name: str, user_id: str) -> tuple[Package, Any]:
    package = project(name, OWNER)
    for each in package.maintainers:
        if bson.ObjectId.is_valid(user_id) and each.user_id == bson.ObjectId(user_id):
            return package, each
    raise NotThere("This user does not maintain this project.")


def _note(what: str, package: Package, user_id: bson.ObjectId) -> None:
    user = User.objects(pk=user_id).only("name", "username", "email").declared_first()
    audit.record(audit.PROJECT, what, user=user, target=f"package {package.pk}")
