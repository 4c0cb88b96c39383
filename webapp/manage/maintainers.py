"""`/manage/<name>/maintainers`: the maintainers of a project, and its invitations."""

from typing import Any

import bson
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.changes import maintaining
from webapp.changes.maintaining import NotThere, TooManyInvitations, needed_people, pending
from webapp.documents import Invitation, Package, User
from webapp.documents.package import OWNER
from webapp.manage.blueprint import bp, button_for, is_owner, project
from webapp.manage.forms import InvitationForm
from webapp.manage.teams import titles_of_teams
from webapp.members import audit, inviting, mails, tokens
from webapp.members.form_views import confirmed_members_only, form_view, members_only
from webapp.members.forms import ButtonForm
from webapp.members.notices import tell_of_act
from webapp.members.sessions import is_fresh, me

Context = dict[str, Any]


def _people(name: str) -> Context:
    package, user = project(name), me().user
    return {
        "package": package,
        "me": user.id,
        "is_owner": is_owner(package),
        "has_owner": package.has_owner(),
        "needed": needed_people(package),
        "teams": titles_of_teams(package),
        "pending": (invited := pending(package)),
        "links": {each.invitation_id: _link(package, each) for each in invited} if is_owner(package) else {},
        "button_form": ButtonForm(),
    }


@bp.route("/manage/<name>/maintainers", methods=["GET", "POST"])
@members_only
@form_view(InvitationForm, "manage/maintainers.html", _people)
def maintainers(form: InvitationForm, name: str) -> AnyResponse | None:
    """Show the maintainers of a project; owners can invite others by mail."""
    package, user = project(name, OWNER), me().user
    if form.role.data == OWNER and not is_fresh(when_opened=True):
        return redirect(url_for("accounts.confirm_identity", next=request.path))
    invitee = inviting.invitee_of(form, user)
    if invitee is None:
        return None
    if invitee.person and invitee.person.id in [each.user_id for each in package.maintainers]:
        form.refuse("email", "They already maintain this project.")
        return None
    email, person, username = invitee
    try:
        invitation = maintaining.invite(package.pk, email, form.role.data, user, person=person, username=username)
    except TooManyInvitations as error:
        form.refuse("email", str(error))
        return None
    inviting.send(invitation, "maintain the project", package.name, _link(package, invitation), user)
    said = f"Invited {invitation.shown} as {invitation.role} of {package.pk}."
    audit.record(audit.PROJECT, said, target=f"package {package.pk}")
    flash(f"We sent an invitation to {invitation.shown}.")
    return redirect(url_for("manage.maintainers", name=package.pk))


def _link(package: Package, invitation: Invitation) -> str:
    return mails.link_to("manage.invitation", token=tokens.for_invitation(package.pk, invitation.invitation_id))


@bp.post("/manage/<name>/invitations/<invitation_id>/revoke")
@members_only
@form_view(ButtonForm, "manage/act.html", button_for("Revoke the invitation", OWNER))
def revoke_invitation(_: ButtonForm, name: str, invitation_id: str) -> AnyResponse:
    """Cancel an invitation, which makes its link invalid."""
    package = project(name, OWNER)
    revoked = maintaining.revoke_invitation(package.pk, invitation_id, me().user)
    audit.record(audit.PROJECT, f"Revoked the invitation of {revoked.shown}.", target=f"package {package.pk}")
    flash(f"The invitation of {revoked.shown} was revoked.")
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.route("/manage/<name>/maintainers/<user_id>/<any(owner, maintainer):role>", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "manage/act.html", button_for("Change the role", OWNER, "{person} becomes {role} of {project}."))
def change_role(_: ButtonForm, name: str, user_id: str, role: str) -> AnyResponse:
    """Change the role of a maintainer; the last owner stays one."""
    package, person = _person(name, user_id)
    maintaining.change_role(package.pk, person.user_id, role, me().user)
    an_owner = "an owner" if role == OWNER else "a maintainer"
    _note(f"Made {person.name or 'a user'} {an_owner} of {package.pk}.", package, person.user_id)
    flash(f"{person.name or 'This user'} is now {an_owner}.")
    return redirect(url_for("manage.maintainers", name=package.pk))


@bp.route("/manage/<name>/maintainers/<user_id>/remove", methods=["GET", "POST"])
@confirmed_members_only
@form_view(ButtonForm, "manage/act.html", button_for("Remove them", OWNER, "{person} no longer maintains {project}."))
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
    tell_of_act(package, what.rstrip("."), also=[user_id])
