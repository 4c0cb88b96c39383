import hashlib
import re
import time
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from tests import factories
from tests.people import ANOTHER, PASSWORD, Browser, browser, member, signed_in
from tests.reading import one, page_of, texts
from webapp.documents import Maintainer, User
from webapp.documents.base import utc_now
from webapp.documents.user import object_id_of_sql_id
from webapp.members import sessions

PUBLIC = ["/", "/about", "/projects/", "/stats/", "/search/?q=x", "/user/ada/", "/simple/", "/robots.txt"]


def session_cookie(visitor: Browser) -> str:
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    return cookie.value


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let so much time pass, for the cookie and for the document."""
    now = time.time() + seconds
    moment = utc_now() + timedelta(seconds=seconds)
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(sessions, "utc_now", lambda: moment)


def test_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(app: Flask, visitor: Browser) -> None:
    member()

    cookies = visitor.sign_in("ada@example.org").headers.getlist("Set-Cookie")

    [session] = [cookie for cookie in cookies if cookie.startswith("session=")]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Expires" not in session
    [marker] = [cookie for cookie in cookies if cookie.startswith("signed_in=")]
    assert marker == "signed_in=1; Path=/; SameSite=Lax"


def test_session_and_token_are_new_after_signing_in(visitor: Browser) -> None:
    member()
    token, before = visitor.token(), session_cookie(visitor)

    visitor.sign_in("ada@example.org")

    assert session_cookie(visitor) != before
    assert visitor.post("/account/logout", data={"csrf_token": token}).status_code == 400
    assert visitor.is_signed_in()


def test_session_that_was_planted_before_signing_in_is_not_signed_in(app: Flask, visitor: Browser) -> None:
    member()
    visitor.get("/account/login")
    planted = browser(app)
    planted.set_cookie("session", session_cookie(visitor))

    visitor.sign_in("ada@example.org")

    assert visitor.is_signed_in()
    assert not planted.is_signed_in()


def test_copy_of_the_cookie_is_worth_nothing_after_signing_out(app: Flask) -> None:
    visitor = signed_in(app)
    copy = browser(app)
    copy.set_cookie("session", session_cookie(visitor))
    assert copy.is_signed_in()

    response = visitor.press("/account", "/account/logout")

    assert (response.status_code, response.location) == (302, "/")
    assert not visitor.is_signed_in()
    assert not copy.is_signed_in()
    assert visitor.get_cookie("signed_in") is None
    assert User.objects.get().sessions == []


def test_signing_out_ends_this_session_alone(app: Flask) -> None:
    here = signed_in(app)
    there = browser(app)
    there.sign_in("ada@example.org")

    here.press("/account", "/account/logout")

    assert not here.is_signed_in()
    assert there.is_signed_in()


def test_sign_out_everywhere_ends_all_sessions(app: Flask) -> None:
    here = signed_in(app)
    there = browser(app)
    there.sign_in("ada@example.org", remember="y")

    response = here.press("/account", "/account/sessions/end")

    assert (response.status_code, response.location) == (302, "/account/login")
    assert not here.is_signed_in()
    assert not there.is_signed_in()


def test_changed_password_ends_all_other_sessions(app: Flask) -> None:
    here = signed_in(app)
    there = browser(app)
    there.sign_in("ada@example.org", remember="y")

    here.send("/account/password", password=PASSWORD, new_password=ANOTHER)

    assert here.is_signed_in()
    assert not there.is_signed_in()


@pytest.mark.parametrize(("seconds", "signed_in_still"), [(7190, True), (7210, False)])
def test_session_ends_when_nothing_is_asked_for_too_long(
    app: Flask, monkeypatch: pytest.MonkeyPatch, seconds: int, *, signed_in_still: bool
) -> None:
    visitor = signed_in(app)

    later(monkeypatch, seconds)

    assert visitor.is_signed_in() is signed_in_still


def test_session_that_is_used_goes_on_up_to_its_absolute_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = signed_in(app)
    began, began_at = time.time(), utc_now()
    passed = [0]
    monkeypatch.setattr(time, "time", lambda: began + passed[0])
    monkeypatch.setattr(sessions, "utc_now", lambda: began_at + timedelta(seconds=passed[0]))

    seen = []
    for _ in range(7):
        passed[0] += 7000
        seen.append(visitor.is_signed_in())

    assert seen == [True] * 6 + [False]


def test_session_ends_on_its_document_at_the_absolute_limit(app: Flask) -> None:
    signed_in(app)

    [session] = User.objects.get().sessions

    assert session.expires_at - session.created_date == timedelta(seconds=app.config["SESSION_ABSOLUTE_S"])


def test_remembered_session_lasts_thirty_days(app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    member()
    cookies = visitor.sign_in("ada@example.org", remember="y").headers.getlist("Set-Cookie")
    assert all("Expires" in cookie or "Max-Age=2592000" in cookie for cookie in cookies)

    with monkeypatch.context() as almost:
        later(almost, 2_592_000 - 60)
        assert visitor.get("/account/nav").json["name"] == "Ada Lovelace"  # type: ignore[index]
    later(monkeypatch, 2_592_000 + 60)

    assert not visitor.is_signed_in()


def test_disabled_account_is_signed_out_at_once(app: Flask) -> None:
    visitor = signed_in(app)

    User.objects.update(is_disabled=True)

    assert not visitor.is_signed_in()


def test_deleted_account_is_signed_out_at_once(app: Flask) -> None:
    visitor = signed_in(app)

    User.objects.delete()

    assert not visitor.is_signed_in()


def test_twenty_sessions_are_kept_and_the_oldest_ends(app: Flask) -> None:
    member()
    browsers = [browser(app) for _ in range(21)]

    for each in browsers:
        each.sign_in("ada@example.org")

    assert len(User.objects.get().sessions) == 20
    assert [each.is_signed_in() for each in browsers] == [False] + [True] * 20


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nothing",
        "eyJfdXNlcl9pZCI6IjYzIn0.aaaa.bbbb",
        # The predecessor's kind: an id, and a digest that anybody can compute.
        *(f"{each}:{hashlib.sha512(f'salty_{each}_text'.encode()).hexdigest()}" for each in (63, f"{63:024d}")),
    ],
)
@pytest.mark.parametrize("name", ["session", "pypi_demo_user", "remember_token", "user_id", "signed_in"])
def test_forged_cookie_does_nothing(visitor: Browser, name: str, value: str) -> None:
    member(id=object_id_of_sql_id(63))
    visitor.set_cookie(name, value)

    assert not visitor.is_signed_in()
    assert visitor.name_in_navigation() is None


def test_cookie_signed_with_another_secret_does_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = signed_in(app)

    monkeypatch.setitem(app.config, "SECRET_KEY", "another secret")

    assert not visitor.is_signed_in()


@pytest.mark.parametrize("odd", [None, "text", [{}], [{"session_id": 5}], [None], {"a": 1}])
def test_sessions_that_somebody_edited_by_hand_do_not_break_a_page(app: Flask, odd: object) -> None:
    visitor = signed_in(app)
    User._get_collection().update_one({}, {"$set": {"sessions": odd}})

    assert visitor.get("/account").status_code == 302
    assert visitor.get("/account/nav").json == {"name": None}


class TestPublicPages:
    @pytest.fixture(params=["", "y"], ids=["signed in", "remembered"])
    def reader(self, request: pytest.FixtureRequest, app: Flask) -> Browser:
        member(username="ada", is_admin=True)
        visitor = browser(app)
        visitor.sign_in("ada@example.org", **({"remember": "y"} if request.param else {}))
        return visitor

    @pytest.mark.parametrize("path", PUBLIC)
    def test_page_has_the_same_bytes_and_headers_for_members(
        self, app: Flask, reader: Browser, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
        anonymous = browser(app).get(path)

        response = reader.get(path)

        assert response.status_code == 200
        assert response.data == anonymous.data
        # Each answer has an id of its own in the log.
        for headers in (response.headers, anonymous.headers):
            headers.pop("X-Request-ID", None)
        assert dict(response.headers) == dict(anonymous.headers)
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.headers.get("Vary", "")
        assert response.cache_control.public

    def test_every_page_links_to_the_account_and_brings_the_script_that_names_it(self, reader: Browser) -> None:
        page = page_of(reader.get("/about"))

        link = one(page, ".site-nav a[data-account]")
        assert (link["href"], link["data-account"]) == ("/account/login", "/account/nav")
        [script] = [str(each["src"]) for each in page.select("script") if "account.js" in str(each["src"])]
        assert "signed_in=1" in reader.get(script, buffered=True).text

    def test_member_without_scripts_is_led_on_to_the_account(self, reader: Browser) -> None:
        assert reader.get("/account/login").location == "/account"
        assert reader.get("/account/login?next=/projects/").location == "/projects/"
        assert reader.get("/account/login?next=//host/").location == "/account"

    def test_navigation_is_private(self, reader: Browser) -> None:
        ada = User.objects.get()
        factories.package("Engine", maintainers=[Maintainer(user_id=ada.id)])
        factories.package("Other")

        response = reader.get("/account/nav")
        manages = {
            name: reader.get("/account/nav", query_string={"project": name}).json for name in ("engine", "other")
        }

        member = {"name": "Ada Lovelace", "address": "/account", "administration": "/admin/", "manages": False}
        member |= {"invitations": 0, "has_more_invitations": False}
        assert response.json == member
        assert manages == {"engine": member | {"manages": True}, "other": member}
        assert response.headers["Cache-Control"] == "no-store"

    def test_marker_without_a_session_is_taken_back_and_open_forms_stay_good(self, visitor: Browser) -> None:
        member()
        fields = visitor.hidden_fields("/account/login")
        visitor.set_cookie("signed_in", "1")

        assert visitor.get("/account/nav").json == {"name": None}

        assert visitor.get_cookie("signed_in") is None
        fields |= {"email": "ada@example.org", "password": PASSWORD}
        assert visitor.post("/account/login", data=fields).status_code == 302


@pytest.mark.parametrize(
    "path", ["/account", "/account/profile", "/account/forgotten", "/account/register", "/account/nav"]
)
def test_pages_of_members_are_kept_by_no_cache(app: Flask, path: str) -> None:
    response = signed_in(app).get(path)

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


def test_account_lists_where_one_is_signed_in(app: Flask) -> None:
    visitor = signed_in(app)
    other = browser(app)
    other.environ_base["HTTP_USER_AGENT"] = "Lynx/2.9 <b>"
    other.sign_in("ada@example.org")

    page = page_of(visitor.get("/account"))

    rows = texts(page, ".sessions li")
    assert len(rows) == 2
    assert rows[0].startswith("Lynx/2.9 <b> 127.0.0.1 · since ")
    assert "this browser" in rows[1]
    assert BeautifulSoup(str(one(page, ".sessions")), "html.parser").select("b") == []
    assert re.search(r"since 20\d\d-", rows[0])


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("Lynx/2.9", "Lynx/2.9"),
        (None, "Unknown browser"),
    ],
)
def test_browser_is_called_what_people_call_it(user_agent: str | None, name: str) -> None:
    assert sessions.browser_name(user_agent) == name
