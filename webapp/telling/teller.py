"""Tell others what happened, in background threads of each web process.

    the journal's untold entries -> messages in the outbox of each webhook -> delivered

One thread for each kind of work asks the database every two seconds what there is to do, and claims it. So any number
of processes share the work, and what a killed process left is done by another one.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from flask import Flask

from webapp.documents import JournalEntry
from webapp.documents.journal import JournalState
from webapp.mongodb.errors import explained
from webapp.telling.delivering import Line, deliver
from webapp.telling.events import event_of
from webapp.telling.news_of_advisories import has_news, tell_advisories
from webapp.telling.outbox import tell_webhooks
from webapp.telling.watching import mail_next, tell_watchers

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 2.0
# After an error, such as a database that does not answer.
LOOKS_AFTER_ERROR_S = 5.0
# Threads that deliver, in each process and each of the two lines. That many projects have to have a receiver that hangs
# at the same moment before others wait.
THREADS = 4
CLAIM = timedelta(minutes=5)
TOGETHER = 200

Job = Callable[[], bool]  # does some of the work; False if there is none
Rest = Callable[[float], None]  # waits so many seconds


def start(app: Flask) -> None:
    """Start the threads of this process."""
    jobs: list[tuple[Job, Rest]] = [(tell, time.sleep), (mail_next, time.sleep)]
    for line in (Line(is_slow=False), Line(is_slow=True)):
        jobs += [(partial(deliver, line), line.rest)] * THREADS
    for number, job in enumerate(jobs):
        threading.Thread(target=_work, args=(app, *job), name=f"telling-{number}", daemon=True).start()


def tell() -> bool:
    """Tell everybody what happened and was not told yet; False if nothing is left to do here.

    One process at a time does this; the claim only saves work, because nobody is told twice.
    """
    advisories, untold = has_news(), JournalEntry.objects.untold()
    if not (advisories or untold.only("serial").plain_first()):
        return False
    if not JournalState.objects.claim("telling", CLAIM):
        return False
    try:
        entries = JournalEntry.objects.untold().limit(TOGETHER).plain()
        events = [event for entry in entries if (event := event_of(entry))]
        tell_webhooks(events)
        tell_watchers(events)
        told = {"_id": {"$in": [entry["serial"] for entry in entries]}}
        JournalEntry.objects.raw().update_many(told, {"$unset": {"is_untold": ""}})
        if advisories:
            tell_advisories()
    finally:
        JournalState.objects.raw().update_one({"_id": "telling"}, {"$unset": {"claimed_until": ""}})
    return len(entries) == TOGETHER


def _work(app: Flask, job: Job, rest: Rest) -> None:
    """Do a job again and again, with a rest whenever nothing is left to do."""
    while True:
        if seconds := _rest_after(app, job):
            rest(seconds)


def _rest_after(app: Flask, job: Job) -> float:
    """Do a job once, and return for how many seconds to rest: none as long as there is more to do."""
    try:
        # Links to pages need a request.
        with app.test_request_context():
            return 0.0 if job() else LOOKS_EVERY_S
    except Exception as error:
        if reason := explained(error):
            log.warning("others could not be told what happened: %s", reason)
        else:
            log.exception("others could not be told what happened")
        return LOOKS_AFTER_ERROR_S
