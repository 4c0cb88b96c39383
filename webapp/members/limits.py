"""Rate limits, counted in the site's database so that all processes count together."""

import hashlib
import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import mongoengine
from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerSecond, parse
from limits.storage import MemoryStorage, MongoDBStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from config import BadConfig
from webapp.documents.base import CLOCKS_DIFFER
from webapp.documents.user import fold
from webapp.mongodb.connection import MONGOMOCK
from webapp.rules.addresses import network_of
from webapp.serving.per_app import PerApp

P = ParamSpec("P")

limiter = PerApp[MovingWindowRateLimiter]("limiter")

# Tries at the second step for one account. Three of a million codes are valid at any time, so somebody who knows the
# password guesses one within a year with a probability of 5 %.
CODE_LIMITS = (parse("5/5minutes"), parse("20/hour"), parse("50/day"))


class SiteStorage(MongoDBStorage):
    """Counts in the documents' database, over their connection: collection `limits`."""

    STORAGE_SCHEME = ["larder"]

    def __init__(self) -> None:
        super().__init__("larder://", counter_collection_name="limits", window_collection_name="limits")
        self._indexed: Any = None

    @property
    def storage(self) -> Any:
        """The site's current client. MongoDB removes expired counts."""
        client = mongoengine.get_connection()
        self._database_name = mongoengine.get_db().name
        if client is not self._indexed:
            windows = client[self._database_name][self._collection_mapping["windows"]]
            windows.create_index("expireAt", expireAfterSeconds=0, name="end_of_keeping")
            self._indexed = client
        return client

    def __del__(self) -> None:
        # The library would close its own connection, but this is the site's.
        pass

    def reset(self) -> int:
        """Delete all counts; the index stays."""
        return int(self.windows.delete_many({}).deleted_count)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count, and tell whether the limit allows it.

        Of ten simultaneous first attempts, one creates the document, and now and then MongoDB tells another one that it
        already exists (47 times in 300 runs): that is no refusal yet. Neither is what was counted while the clock was a
        day ahead: it would lock out for a day.
        """
        if super().acquire_entry(key, limit, expiry, amount):
            return True
        self.windows.update_one(
            {"_id": key}, {"$pull": {"entries": {"$gt": time.time() + CLOCKS_DIFFER.total_seconds()}}}
        )
        _, counted = self.get_moving_window(key, limit, expiry)
        return counted + amount <= limit and super().acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest entry that still counts (now, if none does), and how many count."""
        oldest, counted = super().get_moving_window(key, limit, expiry)
        return (oldest if counted else time.time()), counted


def init_app(app: Flask) -> None:
    """Bind the limiter to the site's database; mongomock lacks what it needs, so tests with it count in memory.

    Raises BadConfig for an invalid limit.
    """
    optional = ("SEARCH_LIMIT", "SUGGESTION_LIMIT", "LOOKING_LIMIT", "OSV_LIMIT")
    for name in ("SIGN_IN_FAILURES", "REGISTRATION_LIMIT", "MAIL_LIMIT", "INVITATION_LIMIT", *optional):
        try:
            if app.config[name] or name not in optional:
                parse(app.config[name])
        except ValueError:
            raise BadConfig(
                f"{name} is {app.config[name]!r}; expected a limit such as '10/5minutes' or '20/hour'"
            ) from None
    in_memory = app.config["MONGODB_URI"].startswith(MONGOMOCK)
    # Ten in five minutes means any five minutes; a fixed window would let twice as many pass around its edge.
    limiter.set(app, MovingWindowRateLimiter(MemoryStorage() if in_memory else SiteStorage()))


def network() -> str:
    """Return the network by which the request's address is counted."""
    return network_of(request.remote_addr or "")


def limited_registration(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Count attempts to register per address; beyond the limit the view is not called."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        if request.method == "POST":
            count(parse(current_app.config["REGISTRATION_LIMIT"]), ("registration by address", network()))
        return view(*args, **kwargs)

    return limited


class SignInAttempt:
    """An attempt to sign in, counted as failed until it succeeds, so that many at a time cannot slip through.

    `SIGN_IN_FAILURES` in config.py says how many are allowed.
    """

    def __init__(self, identifier: str) -> None:
        """Count it per address and per account. Raises TooManyRequests."""
        self._limit = parse(current_app.config["SIGN_IN_FAILURES"])
        self._address = ("sign-in by address", network())
        self._account = ("sign-in by account", _digest(identifier))
        for key in (self._address, self._account):
            count(self._limit, key)

    def succeeded(self) -> None:
        """Take it back and reset the account, but not the address: anybody could reset that with their own account."""
        limiter().clear(self._limit, *self._account)
        _take_back(self._limit.key_for(*self._address))


def count_mail(mailbox: str) -> bool:
    """Count a request for a mail; False beyond the mailbox's limit, which the requester is not told.

    Raises TooManyRequests beyond the address's limit.
    """
    limit = parse(current_app.config["MAIL_LIMIT"])
    count(limit, ("mail by address", network()))
    return limiter().hit(limit, "mail by mailbox", _digest(mailbox))


def count_by_address(setting: str) -> None:
    """Count per address, by the limit in this setting. Raises TooManyRequests."""
    if limit := current_app.config[setting]:
        count(parse(limit), (setting, network()))


def count_password_check(user_id: Any) -> None:
    """Count a password that a signed-in member enters again. Raises TooManyRequests."""
    count(parse(current_app.config["SIGN_IN_FAILURES"]), ("password of", str(user_id)))


def count_invitation(user_id: Any) -> None:
    """Count a person whom a member invites or adds to a team. Raises TooManyRequests."""
    count(parse(current_app.config["INVITATION_LIMIT"]), ("invitations by", str(user_id)))


def count_invited(mailbox: str) -> bool:
    """Count an invitation by mail; False beyond the limit of the mailbox."""
    return limiter().hit(parse(current_app.config["MAIL_LIMIT"]), "mail by mailbox", _digest(mailbox))


def count_code(user_id: Any) -> None:
    """Count a try at the second step of signing in. Raises TooManyRequests."""
    for limit in CODE_LIMITS:
        count(limit, ("second step of", str(user_id)))


def take_back_code(user_id: Any) -> None:
    """Take back a try at the second step that succeeded.

    The wrong ones before it still count: somebody who knows the password could otherwise go on guessing each time its
    owner signs in.
    """
    for limit in CODE_LIMITS:
        _take_back(limit.key_for("second step of", str(user_id)))


def forget_codes(user_id: Any) -> None:
    """Reset the tries at the second step, when there is none any more."""
    for limit in CODE_LIMITS:
        limiter().clear(limit, "second step of", str(user_id))


def is_first(kind: str, content: bytes, within_s: int) -> bool:
    """Tell whether this content is used for the first time within so many seconds, by any web process."""
    return limiter().hit(RateLimitItemPerSecond(1, within_s), kind, hashlib.sha256(content).hexdigest())


def count(limit: RateLimitItem, key: tuple[str, str]) -> None:
    """Count once. Raises TooManyRequests, with the time to wait."""
    if not limiter().hit(limit, *key):
        raise refusal(limiter().get_window_stats(limit, *key).reset_time - time.time())


def refusal(seconds: float) -> TooManyRequests:
    """Return the error for too many attempts, which says when to try again."""
    left_s = max(1, math.ceil(seconds))
    return TooManyRequests(f"Too many attempts. Try again in {spoken(left_s)}.", retry_after=left_s)


def spoken(seconds: int) -> str:
    """Return a time span as people say it, rounded up: 61 -> "2 minutes", 172,800 -> "2 days"."""
    for unit_s, least_s, unit in ((86_400, 172_800, "day"), (3600, 3601, "hour"), (60, 61, "minute")):
        if seconds >= least_s:
            return f"{-(-seconds // unit_s)} {unit}s"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def _take_back(key: str) -> None:
    """Remove the latest count."""
    storage: Any = limiter().storage
    if isinstance(storage, SiteStorage):
        storage.windows.update_one({"_id": key}, {"$pop": {"entries": -1}})
    else:  # in memory
        storage.events[key].pop(0)


def _digest(identifier: str) -> str:
    # What people type can have any length and is sometimes their password; it must not be stored.
    return hashlib.sha256(fold(identifier).encode("utf-8", "surrogatepass")).hexdigest()
