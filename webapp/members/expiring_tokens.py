"""Tell the owners of API tokens by mail, a week before the tokens expire. Each web process looks once an hour."""

import logging
import threading
from datetime import timedelta

from flask import Flask

from webapp.documents import ApiToken, Package, User
from webapp.documents.api_token import TEAM
from webapp.documents.base import utc_now
from webapp.documents.package import OWNER
from webapp.documents.user import TEAM_OWNER, UserQuerySet
from webapp.members import mails
from webapp.mongodb.errors import explained

log = logging.getLogger(__name__)

BEFORE = timedelta(days=7)
LOOKS_EVERY_S = 3600.0
# Tokens whose owners are told at a time.
TOGETHER = 200


def start(app: Flask) -> None:
    """Start the thread of this process."""
    threading.Thread(target=_work, args=(app,), name="expiring-tokens", daemon=True).start()


def warn() -> int:
    """Tell the owners of tokens that expire within a week, once; return how many tokens that were."""
    now, warned = utc_now(), 0
    for plain in ApiToken.objects.expiring(now, now + BEFORE).limit(TOGETHER).plain():
        token = ApiToken(**plain)
        # One process wins; a mail that is lost after that is not sent again.
        free = {"_id": token.id, "warned_at": {"$exists": False}}
        if ApiToken.objects.raw().update_one(free, {"$set": {"warned_at": now}}).modified_count:
            warned += 1
            for user in owners_of(token):
                _tell(user, token)
    return warned


def owners_of(token: ApiToken) -> list[User]:
    """Return those who are told about a token: whose it is, or the owners of its team or project."""
    if token.owner is None:
        return _people(User.objects(pk=token.user_id))
    if token.owner.kind == TEAM:
        owning = {"teams": {"$elemMatch": {"team": token.owner.name, "role": TEAM_OWNER}}}
        return _people(User.objects(__raw__=owning))
    package: Package | None = Package.objects(pk=token.owner.name).managed().declared_first()
    if package is None:
        return []
    owners = [each.user_id for each in package.maintainers if package.role_of(each.user_id) == OWNER]
    return _people(User.objects.told(owners, [each.team for each in package.teams or [] if each.role == OWNER]))


def _people(found: UserQuerySet) -> list[User]:
    shown = found.filter(is_disabled__ne=True).only("name", "username", "email").limit(TOGETHER)
    return [User(**each) for each in shown.plain() if each.get("email")]


def _tell(user: User, token: ApiToken) -> None:
    context = {"token": token.name, "hint": token.hint, "day": f"{token.expires_at:%Y-%m-%d}"}
    context["owner"] = f"of the {token.owner.kind} {token.owner.name}" if token.owner else "of yours"
    mails.send("token_expires", user.email, "An API token expires soon", name=user.shown_name, **context)


def _work(app: Flask) -> None:
    pause = threading.Event()
    while True:
        try:
            with app.test_request_context():
                warn()
        except Exception as error:
            if reason := explained(error):
                log.warning("the owners of expiring tokens could not be told: %s", reason)
            else:
                log.exception("the owners of expiring tokens could not be told")
        pause.wait(LOOKS_EVERY_S)
