"""Every form, upload and page, while the first, second, third ... command that it sends to the database fails."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import mongoengine
import pymongo
import pytest
from flask import Flask, current_app
from pymongo import MongoClient
from pymongo.errors import NotPrimaryError, OperationFailure
from werkzeug.test import TestResponse

from config import TestingConfig
from tests import people
from tests.accounts.every_form import FORMS, path_of, world
from tests.publishing import uploads
from tests.servers import SITE, Mongod, mongod
from tests.test_odd_requests import addresses
from webapp import create_app
from webapp.changes import site_stats
from webapp.documents import DOCUMENTS, ensure_indexes
from webapp.mongodb.errors import NOT_WELL
from webapp.pages.defaults import add_default_pages

pytestmark = pytest.mark.faults

COMMANDS = (
    "find", "aggregate", "count", "distinct", "insert", "update", "delete", "findAndModify", "getMore", "createIndexes",
)  # fmt: skip
# What a server says that has no room for a new collection or index; the driver does not try again.
NO_SPACE = 8
Act = Callable[[], TestResponse]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    options = ("--setParameter", "enableTestCommands=1", "--logpath", "/dev/null")
    with mongod(tmp_path_factory.mktemp("mongod") / "db", *options) as server:
        yield server


@pytest.fixture(scope="module")
def app(database: Mongod) -> Iterator[Flask]:
    """The site in this process, with rules and indexes."""
    mongoengine.disconnect_all()

    class Config(TestingConfig):
        MONGODB_URI = database.uri("failing")
        STATS_MAX_AGE_S = 3600
        SITE_URL = "http://localhost"

    app = create_app(Config)
    with app.app_context(), pymongo.timeout(0):
        ensure_indexes(DOCUMENTS)
    yield app
    mongoengine.disconnect_all()


def begin_anew() -> None:
    """Empty the database."""
    for document_type in DOCUMENTS:
        document_type._get_collection().delete_many({})
    current_app.extensions["limiter"].storage.reset()
    site_stats.refresh()


def failing_after(client: MongoClient[Any], number: int, act: Act) -> tuple[TestResponse, bool]:
    """Let all commands of an act fail but the first so many; return the answer, and whether there were more."""
    data = {"failCommands": COMMANDS, "appName": SITE.decode(), "errorCode": NO_SPACE}
    begun = client.admin.command({"configureFailPoint": "failCommand", "mode": {"skip": number}, "data": data})
    try:
        answer = act()
    finally:
        ended = client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    return answer, ended["count"] > begun["count"]


def sent(app: Flask, endpoint: str) -> Act:
    visitor = world(app, is_admin=True)
    path, data = (
        path_of(app, FORMS[endpoint]),
        FORMS[endpoint].fields | {"csrf_token": visitor.token("/account/profile")},
    )
    return lambda: visitor.post(path, data=data)


def signed_up(app: Flask) -> Act:
    program = people.browser(app)
    return lambda: program.post("/signup", json={"username": "eve", "password": people.ANOTHER})


def uploaded(app: Flask) -> Act:
    program, (_, secret) = people.browser(app), uploads.publisher()
    return lambda: uploads.upload(program, secret, uploads.wheel(), uploads.wheel_name())


def check(database: Mongod, make: Callable[[], Act], caplog: pytest.LogCaptureFixture) -> None:
    """Let the first command of an act fail, then the second ..., each time in a world of its own.

    An act has been answered when it looks up who gets a mail, and when it writes down whether it was sent: then the log
    tells that no mail was sent.
    """
    with database.client() as client:
        for number in itertools.count():
            act = make()
            caplog.clear()

            answer, has_failed = failing_after(client, number, act)

            if not has_failed:
                assert number
                assert answer.status_code < 400, answer.text
                break
            is_about_mail = any(one.name == "webapp.members.mails" for one in caplog.records)
            if not (is_about_mail and answer.status_code < 400):
                assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5"), f"command {number}"
                assert "The database is unavailable." in answer.text


@pytest.mark.parametrize("endpoint", FORMS)
def test_form_is_answered_503_whichever_command_fails(
    database: Mongod, app: Flask, caplog: pytest.LogCaptureFixture, endpoint: str
) -> None:
    def make() -> Act:
        with app.app_context():
            begin_anew()
            return sent(app, endpoint)

    check(database, make, caplog)


@pytest.mark.parametrize("make", [signed_up, uploaded])
def test_program_is_answered_503_whichever_command_fails(
    database: Mongod, app: Flask, caplog: pytest.LogCaptureFixture, make: Callable[[Flask], Act]
) -> None:
    def make_anew() -> Act:
        with app.app_context():
            begin_anew()
            return make(app)

    check(database, make_anew, caplog)


def test_page_is_answered_503_whichever_command_fails(database: Mongod, app: Flask) -> None:
    with app.app_context():
        begin_anew()
        add_default_pages()
        visitor = world(app, is_admin=True)
        plain = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments}
        pages = {*plain, *addresses(app), *(path_of(app, form) for form in FORMS.values())}
    asking = 0
    for page in sorted(pages):
        with database.client() as client:
            for number in itertools.count():
                answer, has_failed = failing_after(client, number, partial(visitor.get, page, buffered=True))

                if not has_failed:
                    assert answer.status_code < 500, page
                    break
                assert answer.status_code == 503, f"{page}, command {number}"
                asking += not number
    assert asking > 50


def test_names_of_errors_are_those_of_the_server(database: Mongod) -> None:
    found = {}
    with database.client() as client:
        for code in NOT_WELL:
            data = {"failCommands": ["find"], "appName": "named", "errorCode": code}
            client.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
            # A new one each time: the driver leaves a server alone for a while that says it is ending.
            with MongoClient[Any](database.uri(), appname="named", retryReads=False) as named:
                with pytest.raises((OperationFailure, NotPrimaryError)) as error:
                    named.larder.users.find_one()
                refused: Any = error.value
                found[code] = refused.details["codeName"]
        client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    assert found == NOT_WELL
