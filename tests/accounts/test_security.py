"""What attackers try with forms: no token, a foreign one, operators in place of text, and headers that are missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask

import config
from tests.members import ANOTHER, PASSWORD, Browser, browser, member, outbox, signed_in
from tests.reading import one, page_of, texts, words
from webapp.documents import User

# A form of each kind, as an administrator sees it, and what people type there.
FORMS: dict[str, dict[str, str]] = {
    "/account/register": {"name": "Eve", "email": "eve@example.org", "password": ANOTHER},
    "/account/login": {"email": "ada@example.org", "password": PASSWORD},
    "/account/forgotten": {"email": "ada@example.org"},
    "/account/logout": {},
    "/account/profile": {"name": "Eve", "profile_image_url": ""},
    "/account/password": {"password": PASSWORD, "new_password": ANOTHER},
    "/account/email": {"email": "eve@example.org", "password": PASSWORD},
    "/account/sessions/end": {},
    "/account/delete": {"password": PASSWORD},
    "/admin/pages/new": {"path": "company/eve", "title": "Eve", "content": "Text"},
}


def state() -> list[Any]:
    return list(User._get_collection().find())


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "x", "foreign"])
def test_form_without_a_good_token_changes_nothing(app: Flask, path: str, token: str | None) -> None:
    visitor = signed_in(app, is_admin=True)
    before = state()
    foreign = browser(app).token() if token == "foreign" else token
    fields = FORMS[path] | ({"csrf_token": foreign} if foreign is not None else {})

    response = visitor.post(path, data=fields)

    assert response.status_code == 400
    assert response.headers["Cache-Control"] == "no-store"
    assert state() == before
    assert outbox(app) == []
    assert visitor.is_signed_in()


@pytest.mark.parametrize("path", FORMS)
def test_stale_form_is_shown_again_with_what_was_typed_passwords_aside(app: Flask, path: str) -> None:
    visitor = signed_in(app, is_admin=True)

    page = page_of(visitor.post(path, data=FORMS[path] | {"csrf_token": "stale"}), 400)

    assert words(one(page, "[role=alert]")).startswith("This form was open for too long")
    for name, value in FORMS[path].items():
        field = one(page, f"[name={name}]")
        shown = field.get("value") if field.name == "input" else field.get_text().strip()
        assert (shown or "") == ("" if "password" in name else value)
    assert PASSWORD not in str(page)


def test_stale_form_can_be_sent_again_from_the_page_that_says_so(visitor: Browser) -> None:
    member("Ada")
    response = visitor.post("/account/login", data=FORMS["/account/login"] | {"csrf_token": "stale"})
    tree = BeautifulSoup(response.text, "html.parser")
    token = str(one(tree, "main input[name=csrf_token]")["value"])

    response = visitor.post("/account/login", data=FORMS["/account/login"] | {"csrf_token": token})

    assert response.status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/page"},
        {"Referer": "http://localhost.evil.example/"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_form_that_another_site_sent_is_not_shown_again(app: Flask, headers: dict[str, str]) -> None:
    visitor = signed_in(app)
    before = state()

    response = visitor.post("/account/email", data={"email": "evil@example.org", "csrf_token": "x"}, headers=headers)

    page = page_of(response, 400)
    assert "evil@example.org" not in response.text
    assert page.select("main form") == []
    assert "Please go back, load the page again" in words(one(page, ".lead"))
    assert state() == before


def test_member_whose_session_ended_gets_back_what_they_typed(app: Flask) -> None:
    visitor = signed_in(app, is_admin=True)
    typed = {"title": "A page", "content": "<b>Long text</b>\nof two lines", "csrf_token": "x", "new_password": ANOTHER}
    User.objects.update(sessions=[])

    page = page_of(visitor.post("/account/profile", data=typed), 400)

    assert words(one(page, "h1")) == "You are signed out"
    assert [each.get_text() for each in page.select(".typed pre")] == ["A page", "<b>Long text</b>\nof two lines"]
    assert ANOTHER not in str(page)


def test_program_is_told_in_json(app: Flask) -> None:
    response = browser(app).post("/account/login", data={}, headers={"Accept": "application/json"})

    assert response.status_code == 400
    assert list(response.json or {}) == ["message"]


@pytest.mark.parametrize("path", [path for path in FORMS if not path.startswith("/admin")])
def test_no_form_makes_an_administrator(app: Flask, path: str) -> None:
    visitor = signed_in(app)
    pressed = {"/account/logout": "/account", "/account/sessions/end": "/account", "/account/login": "/account/profile"}
    token = visitor.token(pressed.get(path, path))
    extra = {"is_admin": "1", "is_disabled": "", "sessions": "[]", "leaving_admin": "x", "csrf_token": token}

    response = visitor.post(path, data=FORMS[path] | extra)

    assert response.status_code in (200, 302)
    for user in User._get_collection().find():
        assert user.get("is_admin") in (False, None)
        assert "leaving_admin" not in user
        assert "is_disabled" not in user


OPERATORS = ["[$ne]", "[$gt]", "[$regex]", ".$ne"]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("path", ["/account/login", "/account/register", "/account/forgotten"])
def test_operator_in_the_name_of_a_field_is_no_field(visitor: Browser, app: Flask, path: str, operator: str) -> None:
    member("Ada")
    fields = {f"{name}{operator}": value for name, value in FORMS[path].items()}

    response = visitor.send(path, **fields)

    assert response.status_code == 400
    assert User.objects.count() == 1
    assert outbox(app) == []
    assert not visitor.is_signed_in()


@pytest.mark.parametrize(
    "value", ['{"$ne": null}', "$ne", "{$gt: ''}", "'; return true; //", "^.*", ".*", "a||b", "\0"]
)
@pytest.mark.parametrize("path", ["/account/login", "/account/forgotten"])
def test_operator_in_a_field_is_plain_text(visitor: Browser, app: Flask, path: str, value: str) -> None:
    member("Ada", username="ada")
    fields = dict.fromkeys(FORMS[path], value)

    assert visitor.send(path, **fields).status_code == 400
    assert not visitor.is_signed_in()
    assert outbox(app) == []


@pytest.mark.parametrize("query", ['{"$ne": null}', "^A", ".*", "[", "(", "\\", "$where", "%", "\0x"])
def test_search_for_users_takes_text_as_text(app: Flask, query: str) -> None:
    visitor = signed_in(app, is_admin=True)

    page = page_of(visitor.get("/admin/users", query_string={"q": query}))

    assert words(one(page, ".admin-table tbody")) == "Nobody is called so."


@pytest.mark.parametrize(
    "path", ["/account/login?next[$ne]=1", "/account/reset/{}", "/user/%00/", "/account/email/$ne"]
)
def test_odd_address_is_no_error_of_ours(visitor: Browser, path: str) -> None:
    assert visitor.get(path).status_code in (200, 404, 410)


@pytest.mark.parametrize(
    "path", ["/account/login", "/account/register", "/account/forgotten", "/account", "/admin/", "/admin/pages/new"]
)
def test_page_has_nothing_inline_and_loads_nothing_from_elsewhere(app: Flask, path: str) -> None:
    visitor = browser(app) if path.startswith("/account/") else signed_in(app, is_admin=True)

    response = visitor.get(path)

    page = page_of(response)
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert [each for each in page.select("script") if not each.get("src")] == []
    assert page.select("style, [style], iframe") == []
    assert [name for each in page.select("*") for name in each.attrs if name.startswith("on")] == []
    for each in page.select("[src]"):
        assert str(each["src"]).startswith("/")
    assert all(str(form.get("action", "")).startswith(("/", "")) for form in page.select("form"))


@pytest.mark.real_server
def test_site_in_production_is_reached_by_https_alone() -> None:
    program = """
import json, warnings
warnings.simplefilter("ignore")
from app import app
client = app.test_client()
paths = ["/about", "/account/login", "/nothing.css/", "/static/js/account.js", "/account/nav"]
print(json.dumps([client.get(path, base_url="https://localhost").headers.to_wsgi_list() for path in paths]))
"""
    environment = {
        "LARDER_ENV": "production",
        "SECRET_KEY": "x" * 32,
        "MONGODB_URI": "mongomock://localhost/production",
    }

    process = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        cwd=Path(config.__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    answers = json.loads(process.stdout)
    assert len(answers) == 5
    for headers in answers:
        assert ["Strict-Transport-Security", "max-age=31536000"] in headers
    cookies = [value for headers in answers for name, value in headers if name == "Set-Cookie"]
    assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-session", "signed_in"]
    for cookie in cookies:
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


def test_site_that_is_reached_without_https_does_not_forbid_it(visitor: Browser) -> None:
    assert "Strict-Transport-Security" not in visitor.get("/about").headers


def test_every_view_that_changes_something_is_a_form_view_or_answers_for_itself(app: Flask) -> None:
    """A view that takes POST checks a form with its token; `/signup` alone has none, and says why."""
    posted = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) & {"POST", "PUT", "DELETE"}}

    without = {endpoint for endpoint in posted if not hasattr(app.view_functions[endpoint], "show_form")}

    assert without == {"accounts.signup"}
    assert len(posted) > 12


def test_hidden_fields_are_the_token_and_where_to_go(visitor: Browser) -> None:
    page = page_of(visitor.get("/account/login?next=/projects/"))

    assert [str(each["name"]) for each in page.select("main input[type=hidden]")] == ["next", "csrf_token"]
    assert texts(page, "main label")[:2] == ["E-mail address or username", "Password"]
