"""READ_ACCESS=members: what strangers, members and their programs get."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import BadConfig, TestingConfig
from tests import factories
from tests.live import Run, live
from tests.people import Browser, browser, signed_in
from tests.publishing import uploads
from tests.reading import one, page_of, read, words
from webapp.documents import Page, User
from webapp.documents.base import utc_now
from webapp.members import read_access
from webapp.openid.sign_on import SignOn
from webapp.serving.footer import Footer, footer
from webapp.serving.programs import PATHS
from webapp.serving.public_pages import PageCache

WHEEL = uploads.wheel()
# Where strangers get an answer, and nothing of what the site holds.
FOR_STRANGERS = {
    "accounts.forgotten",
    "accounts.login",
    "accounts.navigation",
    "accounts.passkey_sign_in",
    "bootstrap.static",
    "health.health",
    "health.ping",
    "health.ready",
    "seo.robots",
    "static",
    "trusted.audience",
}
ARGUMENTS = {
    "name": "example",
    "version": "1.0",
    "old": "1.0",
    "new": "1.0",
    "license_id": "MIT",
    "language_id": "python",
    "classifier": "Topic :: A",
    "id_or_username": "ada",
    "path": "company/history",
    "number": "0",
    "publisher_id": "5" * 24,
    "choice": "on",
    "user_id": "6" * 24,
    "act": "disable",
    "role": "owner",
    "extension": "csv",
    "token": "x",
    "session_id": "8" * 24,
    "sha256": "a" * 64,
    "advisory_id": "PYSEC-2024-1",
    "team": "staff",
    "hook_id": "8" * 24,
    "message_id": "msg_1",
}
FILENAMES = {"static": "css/larder.css", "bootstrap.static": "css/bootstrap.min.css"}
PROGRAMS = [
    "/simple/",
    "/simple/larder-probe/",
    "/pypi/larder-probe/json",
    "/rss/updates.xml",
    "/sitemap.xml",
    "<file>",
]


@pytest.fixture
def members_only(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """A site for members, with something at every address."""
    app.extensions["limiter"].storage.reset()
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    monkeypatch.setitem(app.extensions, "trusted_issuers", {"https://gitlab.com": None})
    at_provider = {"OIDC_ISSUER": "http://localhost:1", "OIDC_NAME": "Acme", "OIDC_CLIENT_ID": "larder"}
    monkeypatch.setitem(app.extensions, "sign_on", SignOn(app.config | at_provider))
    factories.package(license="MIT", classifiers=["Topic :: A", "Programming Language :: Python"])
    user = factories.user("Ada", username="ada")
    Page(path="company/history", title="History", content_html="<p>Long ago</p>").save()
    sent = uploads.upload(app.test_client(), uploads.token_of(user), WHEEL, uploads.wheel_name())
    assert sent.status_code == 200, sent.text
    yield app
    app.extensions["limiter"].storage.reset()


def file_address() -> str:
    digest = uploads.sha256(WHEEL)
    return f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{uploads.wheel_name()}"


def addresses(app: Flask) -> dict[str, str]:
    """An address of every view that can be read, with something to read at it, by its endpoint and rule."""
    found = {}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()):
            continue
        if rule.endpoint == "files.fetch":
            found[f"{rule.endpoint} {rule.rule}"] = file_address()
            continue
        known = ARGUMENTS | {"filename": FILENAMES.get(rule.endpoint, "x")}
        values = {name: known[name] for name in rule.arguments}
        found[f"{rule.endpoint} {rule.rule}"] = adapter.build(rule.endpoint, values)
    return found


def as_program(secret: str, user: str = "__token__") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def reader(**fields: str) -> str:
    """The secret of a token that may read."""
    return uploads.token_of(User.objects.get(username="ada"), permissions=("read",), **fields)


def test_strangers_read_nothing_but_what_signing_in_needs(members_only: Flask) -> None:
    answers = {
        key: browser(members_only).get(address, buffered=True) for key, address in addresses(members_only).items()
    }

    assert {key.split()[0] for key, answer in answers.items() if answer.status_code == 200} == FOR_STRANGERS
    assert len(answers) > 45
    for key, answer in answers.items():
        assert answer.status_code in (200, 302, 401, 403, 410) or key.startswith("trusted.discovery"), key
        assert "example" not in answer.text.replace("next=", "").lower() or answer.status_code == 302, key
        if "static" not in key:
            assert not answer.cache_control.public, key


def test_the_same_addresses_are_open_to_all_on_a_public_site(
    members_only: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(members_only.config, "READ_ACCESS", "public")

    for path in ("/", "/project/example/", "/rss/updates.xml", "/simple/example/", file_address()):
        answer = browser(members_only).get(path)

        assert answer.status_code == 200
        assert answer.cache_control.public


def test_page_leads_a_stranger_to_signing_in_and_back(members_only: Flask) -> None:
    visitor = browser(members_only)
    factories.package("Other")

    asked = visitor.get("/project/other/?page=1")
    shown = read(visitor, "/account/login")

    assert (asked.status_code, asked.location) == (302, "/account/login?next=/project/other/?page%3D1")
    assert "This site is for members only." in words(one(shown, ".form-else"))


@pytest.mark.parametrize("path", ["/nothing", "/project/nothing/", "/simple/nothing/", "/x/y/z", "/files/a/b/c/d"])
def test_stranger_cannot_tell_what_is_not_there(members_only: Flask, path: str) -> None:
    there = "/simple/example/" if path.startswith(("/simple", "/files")) else "/project/example/"

    absent, present = (browser(members_only).get(address) for address in (path, there))

    assert absent.status_code == present.status_code in (302, 401)


def test_member_reads_every_page(members_only: Flask) -> None:
    member = signed_in(members_only, "Grace")

    for path in (
        "/",
        "/project/example/",
        "/search/?q=example",
        "/user/ada/",
        "/rss/updates.xml",
        "/simple/",
        "/stats/",
    ):
        answer = member.get(path)

        assert answer.status_code == 200, path
        assert not answer.cache_control.public
        assert answer.cache_control.private


@pytest.mark.parametrize("path", PROGRAMS)
def test_program_is_asked_for_a_token(members_only: Flask, path: str) -> None:
    answer = browser(members_only).get(path.replace("<file>", file_address()))

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Larder"'
    assert (answer.json or {})["message"].startswith("Sign in with the username __token__")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("name", "realm"), [('The "Shed"', 'The \\"Shed\\"'), ("Склад", "?????")])
def test_program_is_asked_for_a_token_by_a_site_of_any_name(
    members_only: Flask, monkeypatch: pytest.MonkeyPatch, name: str, realm: str
) -> None:
    monkeypatch.setitem(members_only.config, "SITE_NAME", name)

    answer = browser(members_only).get("/simple/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Basic realm="{realm}"'


@pytest.mark.parametrize("path", PROGRAMS)
def test_program_with_a_token_that_may_read_gets_an_answer_that_no_shared_cache_keeps(
    members_only: Flask, path: str
) -> None:
    answer = browser(members_only).get(path.replace("<file>", file_address()), headers=as_program(reader()))

    assert answer.status_code == 200
    assert answer.cache_control.private
    assert not answer.cache_control.public
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_tokens_that_do_not_count_read_nothing(members_only: Flask) -> None:
    ada = User.objects.get(username="ada")
    yesterday = utc_now() - timedelta(days=1)
    secrets = {
        "upload": uploads.token_of(ada),
        "over": uploads.token_of(ada, permissions=("read",), expires_at=yesterday),
        "none": "larder-nothing",
    }

    answers = {name: browser(members_only).get("/simple/", headers=as_program(each)) for name, each in secrets.items()}
    password = browser(members_only).get("/simple/", headers=as_program("a password", "ada"))

    challenged = (answers["over"], answers["none"], password)
    assert {answer.status_code for answer in challenged} == {401}
    assert all(answer.www_authenticate.type == "basic" for answer in challenged)
    assert answers["upload"].status_code == 403
    assert (answers["upload"].json or {})["message"] == "This API token does not have the read permission."


def test_token_that_may_read_uploads_nothing(members_only: Flask) -> None:
    wheel = uploads.wheel(version="2.0")

    answer = uploads.upload(browser(members_only), reader(), wheel, uploads.wheel_name(version="2.0"))

    assert answer.status_code == 403


def test_token_of_a_disabled_member_reads_nothing(members_only: Flask) -> None:
    secret = reader()
    User.objects(username="ada").update(is_disabled=True)

    assert browser(members_only).get("/simple/", headers=as_program(secret)).status_code == 401


def test_user_with_an_empty_password_is_asked_for_one(members_only: Flask) -> None:
    # pip sends this before it asks a keyring.
    answer = browser(members_only).get("/simple/example/", headers=as_program(""))

    assert (answer.status_code, answer.www_authenticate.type) == (401, "basic")


@pytest.mark.parametrize("path", ["/simple", "/simple/example", "/pypi/example/json/", "/simple/x/y", "/packages/x"])
def test_no_program_is_led_to_the_page_for_signing_in(members_only: Flask, path: str) -> None:
    stranger = browser(members_only).get(path)
    member = browser(members_only).get(path, headers=as_program(reader()))

    assert stranger.status_code == 401
    assert "/account/login" not in member.headers.get("Location", "")
    assert member.status_code in (200, 301, 308, 404)
    assert member.status_code != 404 or member.is_json


def test_paths_of_programs_are_those_of_their_rooms(members_only: Flask) -> None:
    rooms = ("feeds", "files", "index_api", "health", "upstream")
    rules = [rule.rule for rule in members_only.url_map.iter_rules() if rule.endpoint.split(".")[0] in rooms]

    assert {rule.split("/")[1] for rule in rules} <= PATHS


def test_token_reads_no_page_of_people(members_only: Flask) -> None:
    assert browser(members_only).get("/project/example/", headers=as_program(reader())).status_code == 302


def test_token_of_one_project_reads_that_project(members_only: Flask) -> None:
    headers = as_program(reader(project="larder-probe"))
    own = ["/simple/Larder_Probe/", "/simple/larder-probe/", "/pypi/larder-probe/json", file_address()]
    own += [f"{file_address()}.metadata", "/rss/project/larder-probe/releases.xml"]
    foreign = [
        "/simple/",
        "/simple/example/",
        "/pypi/example/json",
        "/rss/updates.xml",
        "/files/a/b/c/example-1.tar.gz",
    ]

    statuses = {path: browser(members_only).get(path, headers=headers).status_code for path in own + foreign}

    assert {statuses[path] for path in own} <= {200, 301}
    assert {statuses[path] for path in foreign} == {403}


def test_token_of_one_project_reads_its_files_whatever_their_names(members_only: Flask) -> None:
    headers = as_program(reader(project="larder-probe-1"))
    addresses = []
    for package, name in (("larder-probe", "larder-probe-1-2.tar.gz"), ("larder-probe-1", "larder-probe-1-3-beta.zip")):
        sha256 = str(factories.stored_file(name, name.encode(), package=package).sha256)
        addresses.append(f"/packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{name}")

    statuses = [browser(members_only).get(each, headers=headers).status_code for each in addresses]

    assert statuses == [403, 200]


def test_who_signed_out_is_shown_nothing_that_was_kept(members_only: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(members_only.extensions, "page_cache", PageCache(1_000_000, 60))
    member = signed_in(members_only, "Grace")
    page = member.get("/project/example/")
    etag = {"If-None-Match": page.headers["ETag"]}
    again = member.get("/project/example/", headers=etag)

    stranger = browser(members_only).get("/project/example/", headers=etag)

    assert (page.status_code, again.status_code, stranger.status_code) == (200, 304, 302)
    assert page.headers["Cache-Control"] == again.headers["Cache-Control"] == "private, no-cache"


def footer_of(answer: TestResponse) -> str:
    return words(one(page_of(answer, answer.status_code), "footer"))


@pytest.mark.parametrize(
    ("path", "status"),
    [("/account/login", 200), ("/account/forgotten", 200), ("/account/register", 403), ("/account/reset/x", 410)],
)
def test_footer_tells_strangers_of_no_page_that_they_may_not_read(
    members_only: Flask, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    Page.objects.update(in_footer=True)
    monkeypatch.setitem(members_only.extensions, "page_cache", PageCache(1_000_000, 60))
    footer.set(members_only, Footer())
    member = signed_in(members_only, "Grace")

    first, page, again = browser(members_only).get(path), member.get("/about"), browser(members_only).get(path)

    assert "History" in footer_of(page)
    for answer in (first, again):
        assert answer.status_code == status
        assert "History" not in answer.text
        assert "company/history" not in answer.text
    monkeypatch.setitem(members_only.config, "READ_ACCESS", "public")
    assert "History" in footer_of(browser(members_only).get(path))


def test_error_before_anybody_is_asked_who_they_are_tells_of_no_page(members_only: Flask) -> None:
    Page.objects.update(in_footer=True)
    footer.set(members_only, Footer())

    answer = browser(members_only).get("/about", headers={"Host": "a b"})

    assert answer.status_code == 400
    assert "History" not in answer.text


def test_robots_are_told_to_stay_away(members_only: Flask) -> None:
    assert browser(members_only).get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_nobody_makes_an_account_for_themselves(members_only: Flask) -> None:
    visitor: Browser = browser(members_only)
    number = User.objects.count()

    page = page_of(visitor.get("/account/register"), 403)
    visitor.post("/account/register", data={"csrf_token": visitor.token(), "email": "eve@example.org"})
    signup = visitor.post("/signup", json={"username": "eve", "password": "the analytical engine weaves"})

    assert "created by its administrators" in words(one(page, ".lead"))
    assert (signup.status_code, signup.content_type) == (403, "application/json")
    assert User.objects.count() == number


def test_other_words_are_refused_at_the_start(app: Flask) -> None:
    class Config(TestingConfig):
        READ_ACCESS = "secret"

    other = Flask("other")
    other.config.from_object(Config)

    with pytest.raises(BadConfig, match="READ_ACCESS is 'secret'; it can be public or members"):
        read_access.init_app(other)


@pytest.mark.real_server
def test_pip_and_uv_install_with_a_token(members_only: Flask, run: Run, tmp_path: Path) -> None:
    with live(members_only) as address:
        index = f"{address.replace('://', f'://__token__:{reader()}@')}/simple/"
        stranger = pip(run, f"{address}/simple/", "nothing")
        by_pip = pip(run, index, "by-pip")
        by_uv = run(
            *("uv", "pip", "install", "--no-cache", "--target", "by-uv", "--no-deps"),
            *("--index-url", index, "larder-probe"),
        )

    assert stranger[0] != 0
    assert by_pip[0] == 0, by_pip
    assert by_uv.returncode == 0, by_uv.stderr
    for folder in ("by-pip", "by-uv"):
        assert (tmp_path / folder / "larder_probe.py").exists()


def pip(run: Run, index: str, folder: str) -> tuple[int, str]:
    result = run(
        *("pip", "install", "--no-input", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"),
        *("--target", folder, "--index-url", index, "larder-probe"),
    )
    return result.returncode, result.stderr


def test_signing_in_works_on_a_site_for_members(members_only: Flask, client: FlaskClient) -> None:
    member = signed_in(members_only, "Grace")

    assert member.is_signed_in()
    assert member.name_in_navigation() == "Grace"
    assert browser(members_only).name_in_navigation() is None


def test_stranger_who_sends_a_form_is_led_to_sign_in_before_anything_is_said_of_the_form(members_only: Flask) -> None:
    answer = browser(members_only).post("/manage/example/delete", data={"name": "example"})

    assert answer.status_code == 302
    assert answer.location.startswith("/account/login")
