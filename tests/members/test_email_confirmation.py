"""Where mail is configured: an address counts once its mailbox confirms it, and nobody else learns whose it is."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import factories
from tests.people import ANOTHER, PASSWORD, Browser, browser, errors, link_in, member, outbox, signed_in
from tests.publishing.uploads import token_of, upload, wheel, wheel_name
from tests.reading import links, one, page_of, texts, words
from webapp.documents import ApiToken, AuditEvent, User
from webapp.members import mails, tokens
from webapp.members.email_confirmation import UNCONFIRMED

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
GRACE = {"username": "grace", "password": PASSWORD, "email": "grace@example.org"}


@pytest.fixture(autouse=True)
def _mail_is_configured(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")


def registered(app: Flask, **fields: str) -> str:
    """Register, and return the path of the link in the mail."""
    browser(app).send("/account/register", **ADA | fields)
    return link_in(outbox(app)[-1])


def test_account_is_made_by_who_reads_the_mailbox(app: Flask, visitor: Browser) -> None:
    form = page_of(visitor.get("/account/register"))

    page = page_of(visitor.send("/account/register", **ADA))
    before = User.objects.count()
    [mail] = outbox(app)
    response = visitor.send(link_in(mail), password=PASSWORD)

    assert form.select("input[type=password]") == []
    assert "We sent an email to ada@example.org" in words(one(page, ".lead"))
    assert before == 0
    assert (mail.to, mail.subject) == (["ada@example.org"], "Finish your registration · Larder")
    assert response.location == "/account"
    assert "Welcome, Ada Lovelace." in texts(page_of(visitor.get("/account")), ".banner-good")
    assert User.objects.get().email == "ada@example.org"
    assert AuditEvent.objects.of_kind("registration").get().actor_name == "Ada Lovelace"
    assert browser(app).sign_in("ADA@example.org").status_code == 302


def test_password_that_was_sent_while_registering_is_worth_nothing(app: Flask, visitor: Browser) -> None:
    visitor.send("/account/register", **ADA, password=PASSWORD)

    assert visitor.sign_in("ada@example.org").status_code == 400
    assert User.objects.count() == 0


def test_link_works_once_and_for_a_day(app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    link = registered(app)
    another = registered(app, name="Somebody")
    visitor.send(link, password=PASSWORD)
    young = registered(app, email="young@example.org")

    again = [browser(app).get(link), browser(app).get(another)]
    monkeypatch.setattr(tokens, "REGISTRATION_AGE_S", -1)
    old = browser(app).get(young)

    assert [response.status_code for response in (*again, old)] == [410] * 3
    assert [user.name for user in User.objects] == ["Ada Lovelace"]


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: "x" + token, lambda _: "x"])
def test_link_that_was_changed_is_none(app: Flask, visitor: Browser, change: Callable[[str], str]) -> None:
    start, _, token = registered(app).rpartition("/")

    assert visitor.get(f"{start}/{change(token)}").status_code == 410


def test_weak_password_is_refused_where_it_is_chosen(app: Flask, visitor: Browser) -> None:
    link = registered(app)

    response = visitor.send(link, password="Ada Lovelace")

    assert "too easy to guess" in errors(response)["password"]
    assert User.objects.count() == 0


def test_registering_leads_on_to_where_one_came_from(app: Flask, visitor: Browser) -> None:
    visitor.send("/account/register?next=/projects/", **ADA)

    assert visitor.send(link_in(outbox(app)[-1]), password=PASSWORD).location == "/projects/"


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.org"])
def test_registration_tells_only_the_mailbox_that_there_is_an_account(app: Flask, email: str) -> None:
    asked = {"name": "Eve", "email": email}
    answers = []
    for is_there in (False, True):
        if is_there:
            member("Ada Lovelace")
        page = page_of(browser(app).send("/account/register", **asked))
        answers.append(words(one(page, "main")))

    free, taken = outbox(app)
    assert answers[0] == answers[1]
    assert free.subject == "Finish your registration · Larder"
    assert (taken.to, taken.subject) == (["ada@example.org"], "You already have an account · Larder")
    assert "Hello Ada Lovelace," in taken.body
    assert link_in(taken) == "/account/login"
    assert User.objects.count() == 1
    assert AuditEvent.objects.get().description.startswith("Someone tried to use the address of this account")


@pytest.mark.parametrize("is_there", [False, True])
def test_signup_tells_only_the_mailbox_that_there_is_an_account(app: Flask, is_there: bool) -> None:  # noqa: FBT001
    if is_there:
        member("Grace Hopper", email="grace@example.org")

    response = browser(app).post("/signup", json=GRACE)

    assert (response.status_code, response.json) == (200, {"message": "User signed up successfully"})
    user = User.objects.get(username="grace")
    assert (user.email, user.email_folded, user.unconfirmed_email) == (None, None, "grace@example.org")
    [mail] = outbox(app)
    subject = "You already have an account" if is_there else "Confirm your new address"
    assert (mail.to, mail.subject) == (["grace@example.org"], f"{subject} · Larder")
    grace = browser(app)
    grace.sign_in("grace")
    assert "grace@example.org (not confirmed)" in words(one(page_of(grace.get("/account")), ".settings"))


def test_new_address_tells_only_the_mailbox_that_there_is_an_account(app: Flask) -> None:
    answers, told = [], []
    for number, taken in enumerate((False, True)):
        visitor = signed_in(app, f"Eve{number}")
        if taken:
            member("Grace Hopper", email="grace@example.org")
        app.extensions["mailman"].outbox = []
        page = page_of(visitor.send("/account/email", email="Grace@example.org", password=PASSWORD))
        answers.append(words(one(page, "main")))
        told.append([(mail.to[0], mail.subject.partition(" · ")[0]) for mail in outbox(app)])

    assert answers[0] == answers[1]
    assert told == [
        [
            ("Grace@example.org", "Confirm your new address"),
            ("eve0@example.org", "Confirm the change of your email address"),
        ],
        [
            ("grace@example.org", "You already have an account"),
            ("eve1@example.org", "Confirm the change of your email address"),
        ],
    ]


def grace(app: Flask) -> Browser:
    """Grace, who signed up as a program does and is signed in, with an address to confirm."""
    visitor = browser(app)
    visitor.post("/signup", json=GRACE)
    assert visitor.sign_in("grace").status_code == 302
    return visitor


def test_account_makes_no_token_and_uploads_nothing_before_its_address_is_confirmed(app: Flask) -> None:
    visitor = grace(app)
    fields = {"name": "CI", "project": "", "purpose": "upload", "lifetime": "365", "password": PASSWORD}
    token = {"csrf_token": visitor.token("/account/profile")}
    refused = [visitor.get("/account/tokens/new"), visitor.post("/account/tokens/new", data=fields | token)]
    # Made while the site had no mail server.
    secret = token_of(User.objects.get())
    upload_refused = upload(app.test_client(), secret, wheel(), wheel_name())

    visitor.send(link_in(outbox(app)[-1]))

    assert [response.status_code for response in refused] == [403, 403]
    assert words(one(page_of(refused[0], 403), ".lead")) == UNCONFIRMED
    assert (upload_refused.status_code, upload_refused.text.strip()) == (403, UNCONFIRMED)
    assert User.objects.get().email == "grace@example.org"
    assert User.objects.get().unconfirmed_email is None
    assert upload(app.test_client(), secret, wheel(), wheel_name()).status_code == 200
    assert visitor.send("/account/tokens/new", **fields).status_code == 200
    assert ApiToken.objects.count() == 2


def test_link_is_sent_again_from_the_account(app: Flask) -> None:
    visitor = grace(app)
    page = page_of(visitor.get("/account/email"))

    visitor.send("/account/email", email="grace@example.org", password=PASSWORD)
    visitor.send(link_in(outbox(app)[-1]))

    assert one(page, "#email")["value"] == "grace@example.org"
    assert len(outbox(app)) == 2
    assert User.objects.get().email == "grace@example.org"


def test_address_that_is_not_confirmed_finds_nobody(app: Flask, runner: FlaskCliRunner) -> None:
    grace(app)
    factories.package("Example")
    admin = signed_in(app, "Admin", is_admin=True)

    added = admin.send("/admin/packages/example", user="grace@example.org", role="owner", reason="x")
    found = runner.invoke(args=["users", "disable", "grace@example.org"])
    signed = browser(app).sign_in("grace@example.org")
    browser(app).send("/account/forgotten", email="grace@example.org")

    assert errors(added) == {"user": "User not found."}
    assert "no such user" in found.stderr
    assert signed.status_code == 400
    assert len(outbox(app)) == 1
    assert "address not confirmed" in runner.invoke(args=["users", "list"]).stdout


def test_owner_of_an_address_registers_although_somebody_else_claimed_it(app: Flask, visitor: Browser) -> None:
    grace(app)

    link = registered(app, name="Grace Hopper", email="grace@example.org")
    visitor.send(link, password=ANOTHER)

    assert User.objects.get(email="grace@example.org").name == "Grace Hopper"
    assert User.objects.get(username="grace").email is None


@pytest.mark.parametrize("fields", [{"email": None, "username": "old"}, {}], ids=["no address", "address"])
def test_accounts_of_before_go_on_as_they_are(app: Flask, fields: dict[str, Any]) -> None:
    secret = token_of(member("Old", **fields))

    assert upload(app.test_client(), secret, wheel(), wheel_name()).status_code == 200


def test_site_that_loses_its_mail_server_asks_for_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = grace(app)
    monkeypatch.setitem(app.config, "MAIL_SERVER", "")

    assert visitor.get("/account/tokens/new").status_code == 200


@pytest.mark.parametrize("path", ["/account/register", "/signup"])
def test_site_that_cannot_send_the_link_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setitem(app.config, "LOOPBACK_URL", "")
    visitor = browser(app)

    response = visitor.post(path, json=GRACE) if path == "/signup" else visitor.send(path, **ADA)

    assert response.status_code == 400
    assert mails.NONE_SENT in response.text
    assert User.objects.count() == 0


def test_mailbox_that_got_many_mails_gets_no_other_and_nobody_is_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "2/hour")
    codes = []
    for number in range(4):
        visitor = browser(app)
        visitor.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        codes.append(visitor.send("/account/register", **ADA).status_code)

    assert codes == [200] * 4
    assert len(outbox(app)) == 2


def test_site_for_members_lets_nobody_finish_a_registration(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    link = registered(app)
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")

    assert browser(app).get(link).status_code == 403


def test_page_says_whose_account_gets_the_address(app: Flask) -> None:
    grace(app)

    page = page_of(browser(app).get(link_in(outbox(app)[-1])))

    assert words(one(page, ".lead")) == "Use grace@example.org for the account of grace?"
    assert links(page, "main a")
