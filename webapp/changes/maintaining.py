"""Who looks after which project: its maintainers, and who is invited to be one.

Each change is one guarded write of the package with its entry in the journal (`changing.py`), so what is checked here
still holds when it is written: of two owners who leave at the same moment one is refused, and an import that read the
package before is made to read it again.
"""

from collections.abc import Callable
from datetime import timedelta

import bson
from mongoengine.errors import ValidationError

from webapp.changes.changing import Act, change_package
from webapp.documents.base import utc_now
from webapp.documents.package import (
    MAINTAINER,
    OWNER,
    ROLES,
    ConcurrentChange,
    Invitation,
    Maintainer,
    Package,
    PackageTooLarge,
)
from webapp.documents.user import User, fold

# A package with more people than this has become something else.
MOST_MAINTAINERS = 100
MOST_INVITATIONS = 20
INVITATION_AGE = timedelta(days=7)


class NotPermitted(RuntimeError):
    """Whoever asks may not do this to the project."""


class NotThere(RuntimeError):
    """What should be changed is not there, or not any more."""


class LastOwner(RuntimeError):
    """Nobody would be left who decides about the project."""

    def __init__(self) -> None:
        super().__init__("The project needs an owner, and nobody else is one. Make somebody else an owner first.")


class TooManyInvitations(RuntimeError):
    """So many people are invited already that one has to be taken back first."""


def change_project(normalized_name: str, role: str, by: User, change: Callable[[Package], Act | None]) -> Package:
    """Let a user who has at least this role change a project; see `change_package`.

    Raises NotPermitted, also when there is no such project, and what `change` and `change_package` raise.
    """

    def checked(package: Package, is_new: bool) -> Act | None:  # noqa: FBT001 - `change_package` calls it
        check_role(Package() if is_new else package, role, by)
        return change(package)

    return change_package(normalized_name, checked, by)


def check_role(package: Package, role: str, user: User) -> None:
    """Raise NotPermitted, with the reason, unless the user is at least this to the package."""
    held = package.role_of(user.id)
    if held is None:
        raise NotPermitted("You do not maintain this project.")
    if role == OWNER and held != OWNER:
        raise NotPermitted("Only an owner of the project may do that.")


def add_maintainer(normalized_name: str, user: User, role: str, by: User | None = None) -> bool:
    """Let a user look after a package; False when they do, when it has too many already, or when there is none."""
    added = False

    def change(package: Package, is_new: bool) -> Act | None:  # noqa: FBT001 - `change_package` calls it
        nonlocal added
        added = not is_new and _is_free(package, user)
        return _add(package, user, role) if added else None

    change_package(normalized_name, change, by)
    return added


def remove_maintainer(normalized_name: str, user_id: bson.ObjectId, by: User | None = None) -> bool:
    """Take a package out of a user's hands, the last ones, too: for administrators. False when it was not in them."""
    removed = False

    def change(package: Package, _: bool) -> Act | None:  # noqa: FBT001 - `change_package` calls it
        nonlocal removed
        removed = user_id in [each.user_id for each in package.maintainers]
        return _remove(package, user_id) if removed else None

    change_package(normalized_name, change, by)
    return removed


def end_maintaining(normalized_name: str, user_id: bson.ObjectId, by: User) -> None:
    """Take a project out of somebody's hands, or out of one's own. Raises NotPermitted, NotThere, LastOwner."""

    def change(package: Package) -> Act:
        _maintainer(package, user_id)
        _check_others(package, user_id)
        return _remove(package, user_id)

    change_project(normalized_name, MAINTAINER if user_id == by.id else OWNER, by, change)


def change_role(normalized_name: str, user_id: bson.ObjectId, role: str, by: User) -> None:
    """Make a maintainer an owner, or the other way round. Raises NotPermitted, NotThere, LastOwner."""

    def change(package: Package) -> Act | None:
        maintainer = _maintainer(package, user_id)
        if maintainer.role == role:
            return None
        if role != OWNER:
            _check_others(package, user_id)
        maintainer.role = role
        return Act(f"make {role}", note=maintainer.name)

    change_project(normalized_name, OWNER, by, change)


def invite(normalized_name: str, email: str, role: str, by: User) -> Invitation:
    """Keep an invitation; one of the same address gives way to it. Raises NotPermitted, TooManyInvitations."""
    invitation = Invitation(
        invitation_id=str(bson.ObjectId()),
        email=email,
        role=role,
        invited_by=by.id,
        expires_at=utc_now() + INVITATION_AGE,
    )

    def change(package: Package) -> Act:
        others = [each for each in pending(package) if fold(each.email) != fold(email)]
        if len(others) >= MOST_INVITATIONS:
            raise TooManyInvitations(f"{MOST_INVITATIONS} people are invited already. Take an invitation back first.")
        package.invitations = [*others, invitation]
        # Not the address: the journal stays for ever.
        return Act(f"invite {role}")

    change_project(normalized_name, OWNER, by, change)
    return invitation


def revoke_invitation(normalized_name: str, invitation_id: str, by: User) -> Invitation:
    """Take an invitation back, and return it. Raises NotPermitted, NotThere."""
    revoked: list[Invitation] = []

    def change(package: Package) -> Act:
        revoked[:] = [each for each in package.invitations or [] if each.invitation_id == invitation_id]
        if not revoked:
            raise NotThere("There is no such invitation any more.")
        package.invitations = [each for each in package.invitations if each not in revoked]
        return Act("revoke invitation")

    change_project(normalized_name, OWNER, by, change)
    return revoked[0]


def decline(normalized_name: str, invitation_id: str, by: User | None) -> None:
    """Let an invitation be over, for whoever has its link. Raises NotThere."""

    def change(package: Package, _: bool) -> Act:  # noqa: FBT001 - `change_package` calls it
        declined = valid_invitation(package, invitation_id)
        package.invitations = [each for each in package.invitations if each != declined]
        return Act("decline invitation")

    change_package(normalized_name, change, by)


def accept(normalized_name: str, invitation_id: str, user: User) -> str:
    """Let the invited user look after the project, once; return their role. Raises NotThere."""
    role = ""

    def change(package: Package, _: bool) -> Act:  # noqa: FBT001 - `change_package` calls it
        nonlocal role
        invitation = valid_invitation(package, invitation_id)
        if not _is_free(package, user):
            raise NotThere("You look after this project already, or it has too many maintainers.")
        package.invitations = [each for each in package.invitations if each != invitation]
        role = invitation.role
        return _add(package, user, role)

    change_package(normalized_name, change, user)
    return role


def pending(package: Package) -> list[Invitation]:
    """Return the invitations of a package that still count: as long as they last, and whoever invited is an owner."""
    now = utc_now()
    return [
        each
        for each in package.invitations or []
        if each.invitation_id and each.email and each.role in ROLES and each.expires_at and each.expires_at > now
        if package.role_of(each.invited_by) == OWNER
    ]


def valid_invitation(package: Package | None, invitation_id: str) -> Invitation:
    """Return the invitation that a link names. Raises NotThere."""
    for each in pending(package) if package else []:
        if each.invitation_id == invitation_id:
            return each
    raise NotThere("This invitation is too old, or it was used, declined or taken back. Ask for another one.")


def rename_maintainer(user_id: bson.ObjectId, name: str) -> None:
    """Write a user's new name into the packages that they look after."""
    change = {"$set": {"maintainers.$.name": name, "updated_date": utc_now()}}
    Package._get_collection().update_many({"maintainers.user_id": user_id}, change)


def leave_packages(user: User) -> None:
    """Take a user out of every package that somebody else looks after, too; others keep the entry, as a name."""

    def change(package: Package, _: bool) -> Act | None:  # noqa: FBT001 - `change_package` calls it
        others = [each for each in package.maintainers if each.user_id != user.id]
        return _remove(package, user.id) if 0 < len(others) < len(package.maintainers) else None

    for package in Package.objects.maintained_by(user.id).only("normalized_name").plain():
        try:
            change_package(package["normalized_name"], change, user)
        except (ValidationError, ConcurrentChange, PackageTooLarge):
            # Somebody edited it by hand into what cannot be stored. The account goes all the same.
            pull = {"$pull": {"maintainers": {"user_id": user.id}}, "$set": {"updated_date": utc_now()}}
            shared = {"_id": package["normalized_name"], "maintainers.1": {"$exists": True}}
            Package._get_collection().update_one(shared, pull)


def is_needed(package: Package, user_id: bson.ObjectId) -> bool:
    """Tell whether nobody would decide about the package without this user."""
    others = [each for each in package.maintainers if each.user_id != user_id]
    had_owner = any(each.role == OWNER for each in package.maintainers)
    return not others or (had_owner and not any(each.role == OWNER for each in others))


def _check_others(package: Package, user_id: bson.ObjectId) -> None:
    if is_needed(package, user_id):
        raise LastOwner


def _maintainer(package: Package, user_id: bson.ObjectId) -> Maintainer:
    for each in package.maintainers:
        if each.user_id == user_id:
            return each
    raise NotThere("This user does not look after this project.")


def _is_free(package: Package, user: User) -> bool:
    return len(package.maintainers) < MOST_MAINTAINERS and user.id not in [each.user_id for each in package.maintainers]


def _add(package: Package, user: User, role: str) -> Act:
    package.maintainers = [*package.maintainers, Maintainer(user_id=user.id, name=user.shown_name, role=role)]
    return Act(f"add {role}", note=user.shown_name)


def _remove(package: Package, user_id: bson.ObjectId) -> Act:
    maintainer = _maintainer(package, user_id)
    package.maintainers = [each for each in package.maintainers if each.user_id != user_id]
    return Act(f"remove {maintainer.role or MAINTAINER}", note=maintainer.name)
