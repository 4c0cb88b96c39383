"""Telling what stands in the journal, each entry once."""

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
    done = [teller._done(app, teller.tell), teller._done(app, lambda: deliver(Line(is_slow=False)))]

    assert done == [False, True]
    assert len(receiver.got) == 1


def test_error_does_not_end_the_thread(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bool:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(teller, "RESTS_S", 0.01)

    assert teller._done(app, fail) is False
