"""How the site connects to its database."""

import threading
from typing import Any

import mongoengine
import pytest
from flask import Flask
from pymongo import MongoClient

from config import BadConfig, TestingConfig
from tests.conftest import free_port
from webapp.documents import Page
from webapp.mongodb import connection


def configured(**settings: object) -> Flask:
    app = Flask(__name__)
    app.config.from_object(TestingConfig)
    app.config.update(MONGODB_URI="mongodb://127.0.0.1:1/x", **settings)
    return app


@pytest.mark.parametrize("name", ["MONGODB_POOL", "MONGODB_TIMEOUT_MS"])
@pytest.mark.parametrize("value", [0, -1])
def test_number_that_would_mean_any_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(BadConfig, match=f"{name} is {value}; it must be at least 1"):
        connection.init_app(configured(**{name: value}))


def test_write_is_confirmed_by_a_majority_that_has_it_on_disk_and_silence_is_noticed_soon() -> None:
    app = configured(MONGODB_TIMEOUT_MS=1234, MONGODB_POOL=7)

    settings = connection._mongodb("mongodb://127.0.0.1:1/x", app, [])

    assert (settings["w"], settings["journal"]) == ("majority", True)
    assert {settings[name] for name in ("timeoutMS", "serverSelectionTimeoutMS", "connectTimeoutMS")} == {1234}
    assert (settings["heartbeatFrequencyMS"], settings["maxPoolSize"]) == (2000, 7)
    assert settings["read_preference"].name == "PrimaryPreferred"
    assert settings["tz_aware"] is True


def test_server_is_there_once_it_answered(app: Flask) -> None:
    Page.objects.count()

    assert connection.is_there()


def test_server_that_never_answered_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with MongoClient[dict[str, Any]](port=free_port(), connect=False) as client:
        monkeypatch.setattr(mongoengine, "get_connection", lambda: client)

        assert not connection.is_there()


@pytest.mark.real_server
def test_forgotten_connection_leaves_no_thread_behind_and_is_made_anew(app: Flask) -> None:
    connection.forget(app)
    others = set(threading.enumerate())
    Page(pk="kept", title="Kept").save()
    before, begun = mongoengine.get_connection(), set(threading.enumerate()) - others
    assert begun

    connection.forget(app)

    for thread in begun:
        thread.join(10)
    assert [thread.name for thread in begun if thread.is_alive()] == []
    assert mongoengine.get_connection() is not before
    assert Page.objects.get(pk="kept").title == "Kept"
