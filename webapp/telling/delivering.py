"""Deliver the messages of webhooks, and try again with growing pauses for a day.

    claim a webhook -> post its messages that are due, one after another -> note when the next one is due

A webhook is claimed by one thread of one process. If that is killed, another one takes over a minute later; a message
may then arrive twice, with the same `webhook-id`. Webhooks whose last try failed or was slow, and new ones, are a line
of their own, with threads of its own, and after each failure the whole webhook rests a little. In each line, one
project and one host of receivers have at most one of the process's threads, so the others are there for everybody else.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import mongoengine as me
from flask import current_app
from pymongo import ReturnDocument

from webapp.documents import Webhook, WebhookMessage
from webapp.documents.base import CLOCKS_DIFFER, Plain, ahead, as_declared, utc_now
from webapp.documents.webhook import DELIVERED, FAILED, WAITING
from webapp.telling.outbox import wake
from webapp.telling.posting import Outcome, post
from webapp.telling.signing import headers_of
from webapp.upstream.fetching import host_of

log = logging.getLogger(__name__)

# Until the next try, in seconds: together a day. After the last one a message counts as failed.
PAUSES_S = (5, 60, 300, 1800, 3600, 7200, 14_400, 28_800, 28_800)
A_DAY = timedelta(days=1)
# How long a webhook rests after so many failures in a row, in seconds.
RESTS_S = (1, 5, 30, 60, 300)
# Longer than one try can take.
CLAIM = timedelta(seconds=60)
# How much of it one webhook gets at a time, before it is the turn of others.
TURN = timedelta(seconds=10)
SLOW_S = 2.0
# Without anything to do, a webhook is looked at this often.
IDLE = timedelta(minutes=10)
MOST_TRIES_KEPT = 20
# How often a thread looks for work while another one of its line watches.
LOOKS_ANYWAY_S = 60.0
GONE = 410


class Line:
    """Webhooks that are delivered by the same threads of this process: those that are slow, or all others."""

    def __init__(self, *, is_slow: bool) -> None:
        self._is_slow = is_slow
        self._lock = threading.Condition()
        self._busy: set[tuple[str, str]] = set()
        self._somebody_watches = False

    @contextmanager
    def turn(self) -> Iterator[Plain | None]:
        """Claim a webhook whose messages are due; None if there is none whose project and host have no thread yet."""
        with self._lock:
            hook = self._claimed()
            if hook:
                self._lock.notify()  # there may be more
            mine = _shared_with(hook) if hook else set()
            self._busy |= mine
        try:
            yield hook
        finally:
            with self._lock:
                self._busy -= mine

    def rest(self, seconds: float) -> None:
        """Wait this many seconds before looking again, or until another thread of the line has found a webhook.

        If another thread watches already, look only after a minute, in case it has ended. So a site without any work
        asks the database once, not once for each thread.
        """
        with self._lock:
            if self._somebody_watches:
                self._lock.wait(LOOKS_ANYWAY_S)
                return
            self._somebody_watches = True
            try:
                self._lock.wait(seconds)
            finally:
                self._somebody_watches = False

    def _claimed(self) -> Plain | None:
        now, hooks = utc_now(), Webhook.objects.raw()
        free = {
            "is_slow": True if self._is_slow else {"$ne": True},
            "$or": [{"next_at": {"$lte": now}}, {"next_at": {"$gt": now + IDLE + CLOCKS_DIFFER}}],
            "rest_until": {"$not": ahead(timedelta(seconds=max(RESTS_S)))},
            "claimed_until": {"$not": ahead(CLAIM)},
        }
        for due in hooks.find(free, {"project": 1, "url": 1}, sort=[("next_at", 1)]):
            plain = as_declared(Webhook, due)
            if "id" not in plain or self._busy & _shared_with(plain):
                continue
            this, claim = free | {"_id": due["_id"]}, {"$set": {"claimed_until": now + CLAIM}}
            if hook := hooks.find_one_and_update(this, claim, return_document=ReturnDocument.AFTER):
                return as_declared(Webhook, hook)
        return None


def deliver(line: Line) -> bool:
    """Claim a webhook of this line whose messages are due, and post them; False if there is none."""
    with line.turn() as hook:
        if hook is None:
            return False
        until = utc_now() + TURN
        while utc_now() < until and (message := _next(hook)):
            if not _try(hook, message):
                _give_up_on_old_ones(hook)
                break
        _release(hook)
    return True


def _shared_with(hook: Plain) -> set[tuple[str, str]]:
    """Return what a webhook has in common with those that must not take other threads: its project, and its host.

    The webhooks of the site belong to no project.
    """
    try:
        host = host_of(hook.get("url", "")).lower()
    except ValueError:  # edited by hand
        host = ""
    return {("project", hook["project"]), ("host", host)} if "project" in hook else {("host", host)}


def _next(hook: Plain) -> Plain | None:
    """Return the message of a webhook that is due, and renew the claim."""
    now = utc_now()
    # One that is due later than after the longest pause was tried while the clock was ahead.
    never = now + timedelta(seconds=max(PAUSES_S)) + CLOCKS_DIFFER
    due = me.Q(due_at__lte=now) | me.Q(due_at__gt=never)
    message = WebhookMessage.objects.next_of(hook["id"]).filter(due).plain_first()
    if message:
        Webhook.objects.raw().update_one({"_id": hook["id"]}, {"$set": {"claimed_until": now + CLAIM}})
    return message


def _try(hook: Plain, message: Plain) -> bool:
    """Try to deliver a message; False if the webhook has to rest now."""
    now, body = utc_now(), message.get("body", "").encode()
    if hook.get("is_off"):
        outcome = Outcome(None, "the webhook is switched off", 0)
    else:
        outcome = post(
            hook.get("url", ""),
            body,
            headers_of(message["id"], int(now.timestamp()), body, _keys(hook, now)),
            current_app.config["PRIVATE_WEBHOOK_HOSTS"],
        )
    _note_try(message, outcome, now, is_final=bool(hook.get("is_off")) or outcome.status == GONE)
    _note_state(hook, outcome)
    return outcome.is_success or hook.get("is_off", False)


def _keys(hook: Plain, now: datetime) -> list[str]:
    keys = [hook["secret"]] if "secret" in hook else []
    old_until = hook.get("old_secret_until")
    return [*keys, hook["old_secret"]] if "old_secret" in hook and old_until and old_until > now else keys


def _note_try(message: Plain, outcome: Outcome, now: datetime, *, is_final: bool) -> None:
    """Note in a message what came of a try, and when the next one is due."""
    count = message.get("try_count", 0) + 1
    due = utc_now() + timedelta(seconds=PAUSES_S[min(count, len(PAUSES_S)) - 1])
    tried: Plain = {"at": now, "took_ms": round(outcome.took_s * 1000)}
    tried |= {"status": outcome.status} if outcome.status is not None else {"problem": outcome.problem}
    values: Plain = {"try_count": count}
    if outcome.is_success:
        values["state"] = DELIVERED
    elif is_final or count > len(PAUSES_S) or due > message.get("since", now) + A_DAY:
        values["state"] = FAILED
    else:
        values |= {"state": WAITING, "due_at": due}
    # Somebody may have deleted the webhook, or pressed "Send again", meanwhile.
    unchanged = {"_id": message["id"], "since": message.get("since")}
    change: dict[str, Any] = {"$set": values, "$push": {"tries": {"$each": [tried], "$slice": -MOST_TRIES_KEPT}}}
    WebhookMessage.objects.change_lists(unchanged, change)


def _note_state(hook: Plain, outcome: Outcome) -> None:
    """Note in a webhook how its receiver is, and until when it rests."""
    failures = 0 if outcome.is_success else hook.get("failures", 0) + 1
    rest_s = RESTS_S[min(failures, len(RESTS_S)) - 1] if failures else 0
    values: Plain = {"failures": failures, "is_slow": bool(failures) or outcome.took_s > SLOW_S}
    values["rest_until"] = utc_now() + timedelta(seconds=rest_s)
    if outcome.status == GONE:
        values["is_off"] = True
    hook |= values
    Webhook.objects.raw().update_one({"_id": hook["id"]}, {"$set": values})
    if failures:
        log.info("webhook %s: %s", hook["id"], outcome.problem or f"answered {outcome.status}")


def _give_up_on_old_ones(hook: Plain) -> None:
    """Let messages fail that waited a day behind others: a dead receiver is asked only every few minutes."""
    waiting = {"webhook_id": hook["id"], "state": WAITING, "due_at": {"$lt": utc_now() - A_DAY}}
    WebhookMessage.objects.raw().update_many(waiting, {"$set": {"state": FAILED}})


def _release(hook: Plain) -> None:
    """End the claim, and note when to look for messages again.

    The next message is looked for afterwards, because somebody may have written one meanwhile and woken the webhook.
    """
    released = {"claimed_until": None, "next_at": utc_now() + IDLE}
    Webhook.objects.raw().update_one({"_id": hook["id"]}, {"$set": released})
    if message := WebhookMessage.objects.next_of(hook["id"]).only("due_at").plain_first():
        wake([hook["id"]], message["due_at"])
