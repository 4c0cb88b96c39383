"""Maintainers of projects, and invitations to become one.

Each change is one guarded write of the package with its journal entry (`changing.py`), so what is checked here still
holds when it is written: of two owners who leave at the same moment one is refused, and an import that read the package
before has to read it again.
"""

from collections.abc import Iterator
from datetime import timedelta

import bson
from mongoengine.errors import ValidationError
from packaging.utils import NormalizedName

from webapp.changes.changing import Act, Change, changes
from webapp.changes.owners import account_stays, owners_of, stays_maintained
from webapp.documents.base import utc_now
from webapp.documents.invitation import Invitation
from webapp.documents.package import (
    MAINTAINER,
    OWNER,
    ROLES,
    ConcurrentChange,
    Maintainer,
    Package,
    PackageTooLarge,
)
from webapp.documents.user import User, fold

# The most maintainers that a package can have.
MOST_MAINTAINERS = 100
MOST_INVITATIONS = 20
INVITATION_AGE = timedelta(days=7)


class NotPermitted(RuntimeError):
    """The user may not do this to the project."""


class NotThere(RuntimeError):
    """What should be changed does not exist, or no longer exists."""


class LastOwner(RuntimeError):
    """The project would be left without an owner who can sign in."""

    def __init__(self, project: str = "The project") -> None:
        super().__init__(
            f"{project} needs an owner, and nobody else who can sign in is one. Make somebody else an owner first."
        )


class AccountGoes(NotThere):
    """The account that should get a role was deleted, or is just being deleted."""

    def __init__(self) -> None:
        super().__init__("This account is just being deleted.")


class TooManyInvitations(RuntimeError):
    """One of the invitations has to be cancelled first."""


def project_changes(normalized_name: NormalizedName, role: str | None, by: User) -> Iterator[Change]:
    """Yield attempts to change a project, by a user who has at least this role; see `changes`.

    With None as the role, an administrator of the site changes it, which the caller has checked.

    Raises NotPermitted, also if there is no such project, and what `changes` raises.
    """
    for change in changes(normalized_name, by):
        if role is not None or change.is_new:
            check_role(Package() if change.is_new else change.package, role or OWNER, by)
        yield change


def check_role(package: Package, role: str, user: User) -> None:
    """Raise NotPermitted, with the reason, unless the user has at least this role in the package."""
    held = package.role_of(user.id, user.team_names)
    if held is None:
        raise NotPermitted("You do not maintain this project.")
    if role == OWNER and held != OWNER:
        raise NotPermitted("Only an owner of the project may do that.")


def add_maintainer(normalized_name: NormalizedName, user: User, role: str, by: User | None = None) -> bool:
    """Add a maintainer; return False if the user already is one, there are too many, or there is no such package.

    Raises AccountGoes.
    """
    for change in changes(normalized_name, by):
        with change:
            if not change.is_new and _is_free(change.package, user):
                change.act = _add(change.package, user, role)
    if change.act is not None:
        _check_account(normalized_name, user, by)
    return change.act is not None


def remove_maintainer(normalized_name: NormalizedName, user_id: bson.ObjectId, by: User | None = None) -> bool:
    """Remove a maintainer, even the last one, on behalf of an administrator. False if they were none."""
    for change in changes(normalized_name, by):
        with change:
            if user_id in [each.user_id for each in change.package.maintainers]:
                change.act = _remove(change.package, user_id)
    return change.act is not None


def end_maintaining(normalized_name: NormalizedName, user_id: bson.ObjectId, by: User) -> None:
    """Remove a maintainer, or oneself. Raises NotPermitted, NotThere and LastOwner."""
    for change in project_changes(normalized_name, MAINTAINER if user_id == by.id else OWNER, by):
        with change:
            _maintainer(change.package, user_id)
            _check_others(change.package, user_id)
            if not stays_maintained(change.package, user_id):
                raise LastOwner
            change.act = _remove(change.package, user_id)


def change_role(normalized_name: NormalizedName, user_id: bson.ObjectId, role: str, by: User) -> None:
    """Change the role of a maintainer. Raises NotPermitted, NotThere and LastOwner."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            maintainer = _maintainer(change.package, user_id)
            if maintainer.role == role:
                continue
            if role != OWNER:
                _check_others(change.package, user_id)
            maintainer.role = role
            change.act = Act(f"make {role}", note=maintainer.name)


def transfer(normalized_name: NormalizedName, user: User, by: User) -> bool:
    """Make a user the only owner, on behalf of an administrator; the owners before become maintainers.

    Their invitations end with their role, and teams that owned the project maintain it. False if nothing changed.
    Raises AccountGoes.
    """
    for change in changes(normalized_name, by):
        with change:
            package = change.package
            before = _roles(package)
            owners = [each.user_id for each in package.maintainers if each.role == OWNER]
            team_owns = any(each.role == OWNER for each in package.teams or [])
            if not change.is_new and (owners != [user.id] or team_owns):
                for each in [*package.maintainers, *(package.teams or [])]:
                    each.role = MAINTAINER
                others = [each for each in package.maintainers if each.user_id != user.id]
                new = Maintainer(user_id=user.id, name=user.shown_name, role=OWNER)
                package.maintainers = [new, *others][:MOST_MAINTAINERS]
                change.act = Act("transfer", note=user.shown_name)
    if change.act is not None and not account_stays(user.id):
        _undo_transfer(normalized_name, user, before, by)
        raise AccountGoes
    return change.act is not None


def _roles(package: Package) -> dict[bson.ObjectId | str, str]:
    """Return the roles of people by id, and of teams by name."""
    people = {each.user_id: each.role for each in package.maintainers}
    return people | {each.team: each.role for each in package.teams or []}


def _undo_transfer(
    normalized_name: NormalizedName, user: User, before: dict[bson.ObjectId | str, str], by: User
) -> None:
    """Give the former owners their role back, if they still belong to the project."""
    for change in changes(normalized_name, by):
        with change:
            package = change.package
            if not change.is_new:
                package.maintainers = [each for each in package.maintainers if each.user_id != user.id]
                for each in package.maintainers:
                    each.role = before.get(each.user_id, each.role)
                for team in package.teams or []:
                    team.role = before.get(team.team, team.role)
                change.act = Act("remove owner", note=user.shown_name)


def invite(
    normalized_name: NormalizedName,
    email: str,
    role: str,
    by: User,
    *,
    person: User | None = None,
    username: str | None = None,
) -> Invitation:
    """Store an invitation, which replaces one of the same address. Raises NotPermitted and TooManyInvitations."""
    invitation = new_invitation(email, role, by, person, username)
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            others = [each for each in pending(change.package) if fold(each.email) != fold(email)]
            if len(others) >= MOST_INVITATIONS:
                raise TooManyInvitations(
                    f"{MOST_INVITATIONS} people have already been invited. Revoke an invitation first."
                )
            change.package.invitations = [*others, invitation]
            # Without the address, because the journal stays forever.
            change.act = Act(f"invite {role}")
    return invitation


def new_invitation(email: str, role: str, by: User, person: User | None, username: str | None) -> Invitation:
    """Return an invitation of this address; `username` is what was typed instead, and `person` whose account it is."""
    return Invitation(
        invitation_id=str(bson.ObjectId()),
        email=email,
        email_folded=fold(email),
        user_id=person.id if person else None,
        username=username,
        role=role,
        invited_by=by.id,
        expires_at=utc_now() + INVITATION_AGE,
    )


def revoke_invitation(normalized_name: NormalizedName, invitation_id: str, by: User) -> Invitation:
    """Cancel an invitation, and return it. Raises NotPermitted and NotThere."""
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            all_of_them = change.package.invitations or []
            revoked = [each for each in all_of_them if each.invitation_id == invitation_id]
            if not revoked:
                raise NotThere("This invitation no longer exists.")
            change.package.invitations = [each for each in all_of_them if each not in revoked]
            change.act = Act("revoke invitation")
    return revoked[0]


def decline(normalized_name: NormalizedName, invitation_id: str, by: User | None) -> None:
    """Decline an invitation, as anybody with its link may. Raises NotThere."""
    for change in changes(normalized_name, by):
        with change:
            declined = valid_invitation(change.package, invitation_id)
            change.package.invitations = [each for each in change.package.invitations if each != declined]
            change.act = Act("decline invitation")


def accept(normalized_name: NormalizedName, invitation_id: str, user: User) -> str:
    """Make the invited user a maintainer, once; return their role. Raises NotThere, and AccountGoes."""
    for change in changes(normalized_name, user):
        with change:
            invitation = valid_invitation(change.package, invitation_id)
            if not _is_free(change.package, user):
                raise NotThere("You already maintain this project, or it has too many maintainers.")
            change.package.invitations = [each for each in change.package.invitations if each != invitation]
            change.act = _add(change.package, user, invitation.role)
    _check_account(normalized_name, user, user)
    return str(invitation.role)


def _check_account(normalized_name: NormalizedName, user: User, by: User | None) -> None:
    """Take a role that was just given back if the account goes. Raises AccountGoes.

    The deletion marks the account before it looks for its projects, and this looks for the mark after the project has
    the account. So at least one of them notices the other.
    """
    if not account_stays(user.id):
        remove_maintainer(normalized_name, user.id, by)
        raise AccountGoes


def pending(package: Package) -> list[Invitation]:
    """Return the valid invitations of a package: those that have not expired and were sent by a current owner."""
    now = utc_now()
    owners = _owners_among(package, {each.invited_by for each in package.invitations or []})
    return [
        each
        for each in package.invitations or []
        if each.invitation_id and each.email and each.role in ROLES and each.expires_at and each.expires_at > now
        if each.invited_by in owners
    ]


def _owners_among(package: Package, user_ids: set[bson.ObjectId]) -> set[bson.ObjectId]:
    """Return those of these users who own the package, by themselves or with a team, and are not disabled."""
    found = User.objects(pk__in=list(user_ids), is_disabled__ne=True).only("teams").plain() if user_ids else []
    return {each["id"] for each in found if package.role_of(each["id"], User(**each).team_names) == OWNER}


def valid_invitation(package: Package | None, invitation_id: str) -> Invitation:
    """Return the invitation that a link names. Raises NotThere."""
    for each in pending(package) if package else []:
        if each.invitation_id == invitation_id:
            return each
    raise NotThere("This invitation has expired, or was already used, declined or revoked. Ask for another one.")


def rename_maintainer(user_id: bson.ObjectId, name: str) -> None:
    """Update a user's name in those of the packages that they maintain which have another."""
    change = {"$set": {"maintainers.$.name": name, "updated_date": utc_now()}}
    Package.objects.raw().update_many(
        {"maintainers": {"$elemMatch": {"user_id": user_id, "name": {"$ne": name}}}}, change
    )


def leave_packages(user: User) -> None:
    """Remove a user from every package that others maintain; elsewhere their name stays."""
    for package in Package.objects.maintained_by(user.id).only("normalized_name").plain():
        try:
            _leave(package["normalized_name"], user)
        except (ValidationError, ConcurrentChange, PackageTooLarge):
            # A manual edit made it impossible to store. The account is deleted all the same.
            pull = {"$pull": {"maintainers": {"user_id": user.id}}, "$set": {"updated_date": utc_now()}}
            shared = {"_id": package["normalized_name"], "maintainers.1": {"$exists": True}}
            Package.objects.raw().update_one(shared, pull)


def _leave(normalized_name: NormalizedName, user: User) -> None:
    for change in changes(normalized_name, user):
        with change:
            others = [each for each in change.package.maintainers if each.user_id != user.id]
            if len(others) < len(change.package.maintainers) and stays_maintained(change.package, user.id):
                change.act = _remove(change.package, user.id)


def is_needed(package: Package, user_id: bson.ObjectId) -> bool:
    """Tell whether the package would have no owner who can sign in if this user gave up their own role."""
    return package.role_of(user_id) == OWNER and not owners_of(package).stay_without(user_id)


def needed_people(package: Package) -> list[bson.ObjectId]:
    """Return those maintainers who are needed."""
    owners = owners_of(package)
    ids = [each.user_id for each in package.maintainers]
    return [each for each in ids if package.role_of(each) == OWNER and not owners.stay_without(each)]


def account_is_needed(package: Package, user: User) -> bool:
    """Tell whether the package would have no owner who can sign in without this account, and its place in teams."""
    holds = package.role_of(user.id, user.team_names) == OWNER
    return holds and not owners_of(package).stay_after_deletion_of(user.id)


def _check_others(package: Package, user_id: bson.ObjectId) -> None:
    if is_needed(package, user_id):
        raise LastOwner


def _maintainer(package: Package, user_id: bson.ObjectId) -> Maintainer:
    for each in package.maintainers:
        if each.user_id == user_id:
            return each
    raise NotThere("This user does not maintain this project.")


def _is_free(package: Package, user: User) -> bool:
    return len(package.maintainers) < MOST_MAINTAINERS and user.id not in [each.user_id for each in package.maintainers]


def _add(package: Package, user: User, role: str) -> Act:
    package.maintainers = [*package.maintainers, Maintainer(user_id=user.id, name=user.shown_name, role=role)]
    return Act(f"add {role}", note=user.shown_name)


def _remove(package: Package, user_id: bson.ObjectId) -> Act:
    maintainer = _maintainer(package, user_id)
    package.maintainers = [each for each in package.maintainers if each.user_id != user_id]
    return Act(f"remove {maintainer.role or MAINTAINER}", note=maintainer.name)
