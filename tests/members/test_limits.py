import gc
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from limits import parse

from config import BadConfig
from tests.people import PASSWORD, Browser, browser, member
from tests.reading import one, page_of, words
from webapp.documents import User
from webapp.members import limits


def at(app: Flask, address: str) -> Browser:
    """A browser at an address of the network."""
    visitor = browser(app)
    visitor.environ_base["REMOTE_ADDR"] = address
    return visitor


def fail(visitor: Browser, identifier: str, times: int) -> list[int]:
    return [visitor.sign_in(identifier, "wrong").status_code for _ in range(times)]


@pytest.mark.parametrize("identifier", ["ada@example.org", "nobody@example.org"])
def test_eleventh_failure_is_refused_whether_the_account_exists_or_not(visitor: Browser, identifier: str) -> None:
    member("Ada")

    assert fail(visitor, identifier, 11) == [400] * 10 + [429]


def test_page_says_how_long_to_wait(visitor: Browser) -> None:
    member("Ada")
    fail(visitor, "ada@example.org", 10)

    response = visitor.sign_in("ada@example.org")

    page = page_of(response, 429)
    assert words(one(page, "h1")) == "Too Many Requests"
    assert words(one(page, ".lead")) == "Too many attempts. Try again in 5 minutes."
    assert 295 <= int(response.headers["Retry-After"]) <= 300
    assert response.headers["Cache-Control"] == "no-store"


def test_right_password_does_not_help_while_an_account_is_locked(visitor: Browser) -> None:
    member("Ada")
    fail(visitor, "ada@example.org", 10)

    assert visitor.sign_in("ada@example.org").status_code == 429
    assert not visitor.is_signed_in()


def test_account_is_locked_from_every_address(app: Flask) -> None:
    member("Ada")
    for number in range(10):
        fail(at(app, f"192.0.2.{number}"), ["ada@example.org", " ADA@example.org"][number % 2], 1)

    assert fail(at(app, "192.0.2.99"), "ada@example.org", 1) == [429]
    assert fail(at(app, "192.0.2.99"), "grace@example.org", 1) == [400]


def test_address_is_locked_for_every_account(app: Flask) -> None:
    visitor = at(app, "192.0.2.1")
    for number in range(10):
        fail(visitor, f"somebody{number}@example.org", 1)

    assert fail(visitor, "another@example.org", 1) == [429]
    assert fail(at(app, "192.0.2.2"), "another@example.org", 1) == [400]


def test_customer_with_many_ipv6_addresses_is_one(app: Flask) -> None:
    for number in range(10):
        fail(at(app, f"2001:db8::{number}"), f"somebody{number}@example.org", 1)

    assert fail(at(app, "2001:db8::ffff"), "another@example.org", 1) == [429]
    assert fail(at(app, "2001:db8:0:1::1"), "another@example.org", 1) == [400]


def test_success_takes_the_failures_of_the_account_back(app: Flask) -> None:
    member("Ada")
    fail(at(app, "192.0.2.1"), "ada@example.org", 9)

    assert at(app, "192.0.2.1").sign_in("ada@example.org").status_code == 302
    assert fail(at(app, "192.0.2.2"), "ada@example.org", 10) == [400] * 10


def test_own_account_does_not_take_the_failures_of_an_address_back(app: Flask) -> None:
    member("Mallory")
    member("Ada")
    codes = []
    for number in range(12):
        visitor = at(app, "192.0.2.1")
        codes += fail(visitor, f"ada{number}@example.org", 1)
        visitor.sign_in("mallory@example.org")

    assert codes == [400] * 10 + [429] * 2


def test_many_who_sign_in_from_one_address_are_no_failures(app: Flask) -> None:
    member("Ada")

    codes = [at(app, "192.0.2.1").sign_in("ada@example.org").status_code for _ in range(15)]

    assert codes == [302] * 15


@pytest.mark.real_server
def test_failures_are_counted_in_the_database_without_what_was_typed(visitor: Browser) -> None:
    fail(visitor, "my secret password", 3)

    counts = list(User._get_db()["limits"].find())

    assert [len(count["entries"]) for count in counts] == [3, 3]
    assert "secret" not in str(counts)
    assert "expireAt_1" not in User._get_db()["limits"].index_information()
    assert User._get_db()["limits"].index_information()["end_of_keeping"]["expireAfterSeconds"] == 0


def test_ten_in_five_minutes_are_ten_in_any_five_minutes(visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    began, passed = time.time(), [0]
    monkeypatch.setattr(time, "time", lambda: began + passed[0])
    codes = {}

    for passed[0], times in ((0, 1), (299, 10), (301, 2), (598, 1), (600, 10)):
        codes[passed[0]] = fail(visitor, "ada@example.org", times)

    assert codes == {0: [400], 299: [400] * 9 + [429], 301: [400, 429], 598: [429], 600: [400] * 9 + [429]}


@pytest.mark.real_server
def test_tries_counted_while_the_clock_was_a_day_ahead_do_not_lock_out_for_a_day(
    visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, ahead_s = time.time(), [86_400]
    monkeypatch.setattr(time, "time", lambda: began + ahead_s[0])

    too_many = fail(visitor, "ada@example.org", 11)
    ahead_s[0] = 0
    afterwards = fail(visitor, "ada@example.org", 11)

    assert too_many == afterwards == [400] * 10 + [429]


@pytest.mark.real_server
def test_nobody_is_refused_for_being_the_first_at_the_same_moment_as_others(app: Flask) -> None:
    start = Barrier(10)

    def hit(number: int) -> bool:
        start.wait()
        with app.app_context():
            return app.extensions["limiter"].hit(parse("10/hour"), "somebody", str(number // 10))

    with ThreadPoolExecutor(10) as people:
        allowed = list(people.map(hit, range(800)))

    assert allowed == [True] * 800


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "60 seconds"),
        (61, "2 minutes"),
        (300, "5 minutes"),
        (3600, "60 minutes"),
        (3601, "2 hours"),
    ],
)
def test_time_is_told_as_people_say_it(seconds: int, text: str) -> None:
    assert limits.spoken(seconds) == text


def test_forwarded_address_counts_only_behind_a_proxy_that_is_trusted(app: Flask, visitor: Browser) -> None:
    member("Ada")
    fields = visitor.hidden_fields("/account/login") | {"email": "x@example.org", "password": PASSWORD}

    codes = [
        visitor.post(
            "/account/login",
            data=fields | {"email": f"x{number}@example.org"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        ).status_code
        for number in range(11)
    ]

    assert codes == [400] * 10 + [429]


@pytest.mark.parametrize("name", ["SIGN_IN_FAILURES", "REGISTRATION_LIMIT", "MAIL_LIMIT", "INVITATION_LIMIT"])
@pytest.mark.parametrize("value", ["", "many", "10", "10/fortnight"])
def test_limit_that_is_none_is_refused_at_the_start_by_name(name: str, value: str) -> None:
    site = Flask("another")
    site.config |= {
        "SIGN_IN_FAILURES": "1/hour",
        "REGISTRATION_LIMIT": "1/hour",
        "MAIL_LIMIT": "1/hour",
        "INVITATION_LIMIT": "1/hour",
        name: value,
    }

    with pytest.raises(BadConfig, match=f"{name} is '{value}'; expected a limit such as '10/5minutes' or '20/hour'"):
        limits.init_app(site)


@pytest.mark.real_server
def test_counts_that_are_let_go_leave_the_connection_of_the_site_open(app: Flask) -> None:
    counts = limits.SiteStorage()
    assert counts.check()

    del counts
    gc.collect()

    assert User.objects.count() == 0
