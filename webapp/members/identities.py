"""Whose account it is: people whom the identity provider knows, and their accounts here."""

import logging
import re
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from mongoengine.errors import NotUniqueError
from pymongo.errors import DuplicateKeyError

from webapp.changes import administrators, teams
from webapp.changes.administrators import LastAdministrator
from webapp.documents import User
from webapp.documents.base import utc_now
from webapp.documents.user import USERNAME, Identity, fold
from webapp.members import audit, email_confirmation, limits, mails
from webapp.members.registration import store_user

log = logging.getLogger(__name__)

DISABLED = "An administrator has disabled this account."
# How often a free username is looked for: ada, ada-2, ada-3 ...
MOST_TRIES = 100
MAX_USERNAME = 40


class Person(NamedTuple):
    """Somebody who signed in at the identity provider, as it describes them. Texts may be empty."""

    issuer: str
    subject: str
    name: str
    username: str
    email: str
    has_proved_email: bool
    # None if the provider does not tell.
    groups: list[str] | None


class NoAccount(RuntimeError):
    """Somebody has no account here, or may not use it. The message is for them."""


def account_of(person: Person) -> User:
    """Return somebody's account: connected, found by its address, or made anew, as settings allow. Raises NoAccount."""
    user = _connected(person)
    if user is None and current_app.config["OIDC_LINK_BY_EMAIL"] and person.has_proved_email:
        user = _found_by_address(person)
    if user is None and current_app.config["OIDC_CREATE_ACCOUNTS"]:
        user = _made(person)
    if user is None:
        shown = person.email or person.name or "you"
        raise NoAccount(f"There is no account here for {shown}. Ask an administrator of this site for one.")
    if user.is_disabled:
        raise NoAccount(DISABLED)
    _follow_address(user, person)
    _follow_groups(user, person.groups)
    return user


def connect(user: User, person: Person) -> None:
    """Let somebody sign in to an account at the identity provider. Raises NoAccount if either has another already."""
    free = {"_id": user.id, "identity.issuer": {"$ne": person.issuer}, "is_disabled": {"$ne": True}}
    try:
        changed = User.objects.raw().update_one(free, {"$set": {"identity": _identity(person).to_mongo()}})
    except DuplicateKeyError:
        raise NoAccount(f"You already have another account here, which is connected to {_provider()}.") from None
    if not changed.matched_count:
        raise NoAccount(f"This account is already connected to somebody else at {_provider()}. Ask an administrator.")
    tell(user, user, f"Your account was connected to {_provider()}{f' ({person.email})' if person.email else ''}")


def disconnect(user: User, by: User | None = None) -> bool:
    """End that somebody signs in at the identity provider, and the sessions they began there; False if nobody does."""
    is_connected = {"_id": user.id, "identity": {"$exists": True}}
    changed = bool(User.objects.raw().update_one(is_connected, {"$unset": {"identity": ""}}).matched_count)
    theirs = {"_id": user.id, "sessions": {"$type": "array"}}
    User.objects.raw().update_one(theirs, {"$pull": {"sessions": {"by_provider": True}}})
    if changed:
        tell(user, by, f"Your account was disconnected from {_provider()}")
    return changed


def tell(user: User, by: User | None, what: str) -> None:
    """Record how a user's account is connected, and mail it to them."""
    audit.record(audit.SINGLE_SIGN_ON, f"{what}.", user=user, by=by)
    address, name = user.email, user.shown_name
    if address:
        mails.later(lambda: mails.send("single_sign_on", address, what, name=name, what=what))


def free_username(wanted: str) -> str:
    """Return a username like the wanted one that nobody has, such as "ada-2"; empty if it has nothing to offer.

    "Ada.Lovelace@example.org" -> "ada.lovelace".
    """
    plain = re.sub(r"[^a-z0-9._-]+", "-", fold(wanted.partition("@")[0]))[:MAX_USERNAME].strip("._-")
    for number in range(1, MOST_TRIES):
        username = plain if number == 1 else f"{plain}-{number}"
        if USERNAME.match(username) and not User.objects.in_any_case(username).plain_first():
            return username
    return ""


def _connected(person: Person) -> User | None:
    user: User | None = User.objects.with_identity(person.issuer, person.subject).declared_first()
    return user


def _found_by_address(person: Person) -> User | None:
    """Connect the account with somebody's address, which the provider has verified. Raises NoAccount."""
    user: User | None = User.objects.account_of(person.email) if "@" in person.email else None
    if user is None or user.is_disabled:
        return user
    if user.is_admin:
        # An address, which others may assign, must not be the way to rights over the site.
        raise NoAccount(
            f"The account of {person.email} is an administrator's. Sign in with its password, and connect it on the "
            "account page."
        )
    try:
        connect(user, person)
    except NoAccount:
        if already := _connected(person):  # by another sign-in of theirs
            return already
        raise
    return _connected(person)


def _made(person: Person) -> User | None:
    """Make an account for somebody. Raises NoAccount if another one has their address."""
    email = _valid(person.email)
    # A username that another sign-in takes at this moment is looked for again.
    for _ in range(3):
        try:
            user = store_user(
                name=person.name,
                username=free_username(person.username),
                identity=_identity(person),
                **{"email" if person.has_proved_email else "unconfirmed_email": email},
            )
        except NotUniqueError:
            if already := _connected(person):  # by another sign-in of theirs
                return already
            if person.has_proved_email and User.objects.account_of(email):
                raise NoAccount(
                    f"An account with the address {email} already exists. Sign in with its password, and connect it "
                    f"to {_provider()} on the account page."
                ) from None
            continue
        audit.record(audit.REGISTRATION, f"Created an account by signing in with {_provider()}.", user=user, by=user)
        if email_confirmation.must_confirm(user) and mails.can_send_links() and limits.count_mail(email):
            email_confirmation.ask_to_confirm(user, email)
        return user
    return None


def _follow_address(user: User, person: Person) -> None:
    """Take over an address that the provider has verified, if the account has none, or the one that it named before."""
    before, now = fold(user.identity.email or ""), fold(person.email)
    same = {"_id": user.id, "identity.subject": person.subject}
    if before != now:
        User.objects.raw().update_one(same, {"$set": {"identity.email": person.email}})
    email, former = _valid(person.email), user.email
    is_theirs = user.email_folded in (None, before) and user.email_folded != now
    if not email or not person.has_proved_email or not is_theirs:
        return
    change = {"$set": {"email": email, "email_folded": fold(email)}, "$unset": {"unconfirmed_email": ""}}
    try:
        User.objects.raw().update_one(same | {"email_folded": user.email_folded}, change)
    except DuplicateKeyError:
        log.warning("The new address of user %s at the identity provider belongs to another account", user.id)
        return
    user.email, user.email_folded = email, fold(email)
    said = f"Changed the address from {former or 'none'} to {email}, as at {_provider()}."
    audit.record(audit.EMAIL, said, user=user, by=user)
    if former:
        name = user.shown_name
        mails.later(
            lambda: mails.send("email_changed", former, "Your email address was changed", name=name, email=email)
        )


def _follow_groups(user: User, groups: list[str] | None) -> None:
    """Let somebody join and leave teams, and become an administrator and cease to be one, as their groups say."""
    if groups is None:
        return
    changed = teams.set_teams_from_groups(user.id, groups)
    for verb, names in (("Joined", changed.joined), ("Left", changed.left)):
        for name in names:
            audit.record(audit.TEAM, f"{verb} the team {name}, by the groups at {_provider()}.", user=user, by=user)
    setting = current_app.config["OIDC_ADMIN_GROUPS"]
    admin_groups = {each.strip() for each in setting.split(",") if each.strip()}
    if admin_groups & set(groups):
        if not user.is_admin and administrators.make_administrator(user.id, by_group=True):
            said = f"Became an administrator, by a group at {_provider()}."
            audit.record(audit.ADMINISTRATION, said, user=user, by=user)
    elif user.is_admin and user.is_admin_by_group:
        _remove_administrator(user)


def _remove_administrator(user: User) -> None:
    try:
        changed = administrators.remove_administrator(user.id)
    except LastAdministrator:
        log.warning("User %s left the groups of administrators, but stays one: there is no other", user.id)
        return
    if changed:
        said = f"Is no longer an administrator, by the groups at {_provider()}."
        audit.record(audit.ADMINISTRATION, said, user=user, by=user)


def _identity(person: Person) -> Identity:
    return Identity(issuer=person.issuer, subject=person.subject, email=person.email or None, connected_at=utc_now())


def _valid(email: str) -> str:
    """Return an address in its usual form; empty if it is none."""
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError:
        return ""


def _provider() -> str:
    return str(current_app.config["OIDC_NAME"])
