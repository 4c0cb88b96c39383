"""What attackers try with forms: no token, a foreign one, operators in place of text, and headers that are missing."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask

import config
from tests.accounts.every_form import DEVICE_FORMS, FILLED_IN, FORMS, RECOVERY_CODE, path_of, world
from tests.people import ANOTHER, PASSWORD, Browser, browser, member, outbox, signed_in
from tests.reading import one, page_of, texts, words
from webapp.documents import (
    ApiToken,
    Package,
    Page,
    PendingPublisher,
    PublishingSession,
    Team,
    User,
    Watcher,
    Webhook,
    WebhookMessage,
)

KEPT = (User, Team, Package, PublishingSession, Page, ApiToken, PendingPublisher, Watcher, Webhook, WebhookMessage)


def state(app: Flask) -> list[Any]:
    """All that forms change: the documents, and the mails."""
    documents = [list(each._get_collection().find().sort("_id", 1)) for each in KEPT]
    return [*documents, len(outbox(app))]


def test_every_view_that_changes_something_is_a_form_in_this_table(app: Flask) -> None:
    """A view that takes POST checks a form with its token; some that programs use have none, and say why."""
    posted = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) & {"POST", "PUT", "DELETE"}}

    without = {
        "accounts.signup",
        "index_api.xmlrpc",
        "publishing.upload",
        "publishing.yank",
        "advisories.query",
        "advisories.querybatch",
    }
    without |= {"trusted.mint_token", "trusted.burn_token", "accounts.while_typing"}
    without |= {"publishing.upload_to_session", "publishing.sessions.open_one", "publishing.sessions.publish"}
    without |= {"publishing.sessions.cancel_one", "publishing.sessions.extend_one"}
    without |= {f"publishing.sessions.{each}" for each in ("announce_file", "remove_file", "complete_file")}
    without |= {f"publishing.sessions.{each}" for each in ("receive_bytes", "receive_attestations")}
    assert posted == {*FORMS, *DEVICE_FORMS, *without}
    assert all(hasattr(app.view_functions[endpoint], "show_form") for endpoint in (*FORMS, *DEVICE_FORMS))


@pytest.mark.parametrize("endpoint", FORMS)
def test_form_with_its_token_is_done(app: Flask, endpoint: str) -> None:
    """What the tests below see refused."""
    visitor, form = world(app, is_admin=True), FORMS[endpoint]
    path, before = path_of(app, form), state(app)

    response = visitor.post(path, data=form.fields | {"csrf_token": visitor.token("/account/profile")})

    assert response.status_code in (200, 302)
    assert state(app) != before


@pytest.mark.parametrize("endpoint", FORMS)
def test_form_without_a_good_token_changes_nothing(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True), FORMS[endpoint]
    path, before = path_of(app, form), state(app)

    for token in (None, "", "x", browser(app).token()):
        response = visitor.post(path, data=form.fields | ({"csrf_token": token} if token is not None else {}))

        assert response.status_code == 400
        assert response.headers["Cache-Control"] == "no-store"
    assert state(app) == before
    assert visitor.is_signed_in()


@pytest.mark.parametrize("endpoint", FORMS)
def test_stale_form_is_shown_again_with_what_was_typed_passwords_aside(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True), FORMS[endpoint]

    page = page_of(visitor.post(path_of(app, form), data=form.fields | {"csrf_token": "stale"}), 400)

    assert words(one(page, "[role=alert]")).startswith("This form expired")
    for name, value in form.fields.items():
        if name != "read_version":
            assert typed(one(page, f"[name={name}]")) == ("" if "password" in name else value)
    assert PASSWORD not in str(page)


@pytest.mark.parametrize("path", DEVICE_FORMS.values())
def test_form_for_a_device_needs_its_token_too(app: Flask, path: str) -> None:
    visitor = world(app)
    if path.startswith("/account/login"):
        visitor = browser(app)
        visitor.sign_in("ada@example.org")
    before = state(app)

    for token in ({}, {"csrf_token": "x"}):
        response = visitor.post(path, data={"name": "phone", "code": RECOVERY_CODE, "credential": "{}"} | token)

        assert response.status_code == 400
    assert state(app) == before


def typed(field: Tag) -> str:
    """What stands in a field."""
    if field.name == "select":
        return str(one(field, "[selected]")["value"])
    return str(field.get("value") or "") if field.name == "input" else field.get_text().strip()


def test_stale_form_can_be_sent_again_from_the_page_that_says_so(visitor: Browser) -> None:
    member("Grace")
    fields = FORMS["accounts.login"].fields
    response = visitor.post("/account/login", data=fields | {"csrf_token": "stale"})
    tree = BeautifulSoup(response.text, "html.parser")
    token = str(one(tree, "main input[name=csrf_token]")["value"])

    response = visitor.post("/account/login", data=fields | {"csrf_token": token})

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
    before = state(app)

    response = visitor.post("/account/email", data={"email": "evil@example.org", "csrf_token": "x"}, headers=headers)

    page = page_of(response, 400)
    assert "evil@example.org" not in response.text
    assert page.select("main form") == []
    assert "Go back, reload the page" in words(one(page, ".lead"))
    assert state(app) == before


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


@pytest.mark.parametrize("endpoint", FORMS)
def test_no_form_takes_more_than_its_fields(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=endpoint.startswith(("admin.", "teams."))), FORMS[endpoint]
    path = path_of(app, form)
    before = {user["_id"]: user.get("is_admin") for user in User._get_collection().find()}
    others = ["hashed_password", "sessions", "leaving_admin", "_id", "id", "legacy", "email_folded", "created_date"]
    more = dict.fromkeys([*others, "normalized_name", "content_html", "user_id"], "smuggled") | {"is_admin": "1"}

    response = visitor.post(path, data=form.fields | more | {"csrf_token": visitor.token("/account/profile")})

    assert response.status_code in (200, 302)
    for user in User._get_collection().find():
        assert user.get("is_admin") == before.get(user["_id"], False)
    assert "smuggled" not in str(state(app))


# Lists of signers and readers, or the title and groups of a team, that are not sent are empty, which is good.
@pytest.mark.parametrize(
    "endpoint", [each for each in FILLED_IN if each not in ("manage.signers", "manage.readers", "teams.settings")]
)
def test_operator_in_the_name_of_a_field_is_no_field(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True), FORMS[endpoint]
    path, before = path_of(app, form), state(app)

    for operator in ("[$ne]", "[$gt]", "[$regex]", "[]", ".$ne", "[$where]"):
        fields = {f"{name}{operator}": value for name, value in form.fields.items()}
        response = visitor.post(path, data=fields | {"csrf_token": visitor.token("/account/profile")})

        assert response.status_code == 400
    assert state(app) == before


# A new password may be any text, these too, and so may a reason, and the title of a team.
ANY_TEXT = {"accounts.finish_registration", "accounts.reset", "manage.yank", "admin.start_quarantine", "teams.settings"}
ANY_TEXT |= {"admin.end_maintaining", "admin.stop_quarantine", "admin.yank"}


@pytest.mark.parametrize("endpoint", [each for each in FILLED_IN if each not in ANY_TEXT])
def test_operator_in_a_field_is_plain_text(app: Flask, endpoint: str) -> None:
    visitor, form = world(app, is_admin=True, username="ada"), FORMS[endpoint]
    path, before = path_of(app, form), state(app)

    for value in ('{"$ne": null}', "$ne", "{$gt: ''}", "'; return true; //", "^.*", "a||b", "\0", '{"$where": "1"}'):
        token = visitor.token("/account/profile")
        response = visitor.post(path, data=dict.fromkeys(form.fields, value) | {"csrf_token": token})

        assert response.status_code == 400
    assert state(app) == before


@pytest.mark.parametrize("query", ['{"$ne": null}', "^A", ".*", "[", "(", "\\", "$where", "%", "\0x"])
def test_search_for_users_takes_text_as_text(app: Flask, query: str) -> None:
    visitor = signed_in(app, is_admin=True)

    page = page_of(visitor.get("/admin/users", query_string={"q": query}))

    assert words(one(page, ".admin-table tbody")) == "No matching users."


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


def test_hidden_fields_are_the_token_and_where_to_go(visitor: Browser) -> None:
    page = page_of(visitor.get("/account/login?next=/projects/"))

    assert [str(each["name"]) for each in page.select("main input[type=hidden]")] == ["next", "csrf_token"]
    assert texts(page, "main label")[:2] == ["Email address or username", "Password"]


def test_form_without_a_token_at_an_address_where_nothing_is_finds_nothing(app: Flask) -> None:
    admin = signed_in(app, is_admin=True)

    response = admin.post("/admin/packages/nothing", data={"name": "x"})

    assert response.status_code == 404


@pytest.mark.parametrize("content", ["[]", '["x"]', '"x"', "5", "null", '{"email": 5, "password": {}}'])
def test_form_is_not_read_from_json(app: Flask, content: str) -> None:
    reader = browser(app)
    headers = {"X-CSRFToken": reader.token()}

    response = reader.post("/account/login", data=content, content_type="application/json", headers=headers)

    assert response.status_code == 400


def test_file_in_the_place_of_a_text_is_no_text(app: Flask) -> None:
    reader = browser(app)
    sent = {"csrf_token": reader.token(), "email": (io.BytesIO(b"x"), "ada.txt"), "password": PASSWORD}

    response = reader.post("/account/login", data=sent)

    assert response.status_code == 400
