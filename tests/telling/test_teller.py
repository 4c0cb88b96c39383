"""Telling what stands in the journal, each entry once."""

import threading
import time
from datetime import timedelta

import pytest
from flask import Flask

from tests import factories
from tests.local_http import Receiver
from tests.telling.conftest import webhook
from webapp.documents import JournalEntry, JournalState, WebhookMessage
from webapp.documents.base import utc_now
from webapp.telling import teller
from webapp.telling.delivering import Line, deliver
from webapp.telling.teller import tell


def test_each_entry_is_told_once(receiver: Receiver) -> None:
    webhook(receiver.address)
    factories.package()

    tell()
    WebhookMessage.objects.delete()
    tell()

    assert JournalEntry.objects.count() == 1
    assert JournalEntry.objects.untold().count() == 0
    assert WebhookMessage.objects.count() == 0


def test_entry_stays_untold_when_telling_fails(receiver: Receiver) -> None:
    webhook(receiver.address)
    factories.package()
    # As if a process had been killed after it wrote the messages, and before it noted that.
    entries = JournalEntry.objects.untold().plain()
    tell()
    JournalEntry.objects.raw().update_many({}, {"$set": {"is_untold": True}})

    tell()

    assert len(entries) == WebhookMessage.objects.count() == 1


def test_one_process_at_a_time_tells(receiver: Receiver) -> None:
    webhook(receiver.address)
    factories.package()
    JournalState(id="telling", claimed_until=utc_now() + timedelta(seconds=30)).save()

    tell()

    assert WebhookMessage.objects.count() == 0


def test_threads_tell_and_deliver(app: Flask, receiver: Receiver) -> None:
    webhook(receiver.address)
    factories.package()
    rests = [teller._rest_after(app, job) for job in (teller.tell, lambda: deliver(Line(is_slow=False)))]

    assert rests == [teller.LOOKS_EVERY_S, 0]
    assert len(receiver.got) == 1


def test_error_does_not_end_the_thread(app: Flask) -> None:
    def fail() -> bool:
        raise RuntimeError("on purpose")

    assert teller._rest_after(app, fail) == teller.LOOKS_AFTER_ERROR_S


def test_line_is_looked_after_although_a_look_fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teller, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(teller, "LOOKS_AFTER_ERROR_S", 0.05)
    line, looks, ended = Line(is_slow=False), list[float](), threading.Event()

    def look() -> bool:
        looks.append(time.monotonic())
        if len(looks) % 3 == 0:
            raise RuntimeError("on purpose")
        return False

    def work() -> None:
        while not ended.is_set():
            line.rest(teller._rest_after(app, look))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    ended.set()
    while any(thread.is_alive() for thread in threads):
        with line._lock:
            line._lock.notify_all()
        time.sleep(0.01)

    assert len(looks) > 12, "one of them still looks"
