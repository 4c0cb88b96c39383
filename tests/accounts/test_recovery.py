import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from itsdangerous import TimestampSigner

from tests.people import ANOTHER, PASSWORD, Browser, browser, errors, link_in, member, outbox, signed_in
from tests.reading import links, one, page_of, words
from webapp.documents import AuditEvent, User


def link_for(app: Flask, email: str = "ada@example.org") -> str:
    """Ask for a new password, and return the path of the link in the mail."""
    browser(app).send("/account/forgotten", email=email)
    return link_in(outbox(app)[-1])


def test_link_from_the_mail_gives_a_new_password_and_ends_every_session(app: Flask, visitor: Browser) -> None:
    here = signed_in(app)
    there = browser(app)
    there.sign_in("ada@example.org", remember="y")

    response = visitor.send(link_for(app), password=ANOTHER)

    assert (response.status_code, response.location) == (302, "/account/login")
    page = page_of(visitor.get("/account/login"))
    assert words(one(page, ".banner-good")) == "Your password was changed. Sign in with the new one."
    assert not here.is_signed_in()
    assert not there.is_signed_in()
    assert visitor.sign_in("ada@example.org").status_code == 400
    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 302
    done = [event.description for event in AuditEvent.objects.of_kind("password").order_by("pk")]
    assert done == [
        "A password reset link was sent.",
        "Set a new password from an emailed link; all sessions were ended and all API tokens revoked.",
    ]


def test_mail_says_what_it_is_about_as_text_and_as_html(app: Flask, visitor: Browser) -> None:
    member("Ada <b>")

    visitor.send("/account/forgotten", email="ADA@example.org")

    [mail] = outbox(app)
    assert mail.to == ["ada@example.org"]
    assert mail.subject == "Reset your password · Larder"
    assert mail.from_email == "larder@localhost"
    assert "Hello Ada <b>," in mail.body
    [(html, content_type)] = mail.alternatives
    assert content_type == "text/html"
    page = BeautifulSoup(html, "html.parser")
    assert page.select("b") == []
    assert str(one(page, "a")["href"]).endswith(link_in(mail))


@pytest.mark.parametrize("email", ["nobody@example.org", "disabled@example.org"])
def test_answer_is_the_same_whether_the_account_exists(app: Flask, email: str) -> None:
    member("Ada")
    member("Disabled", is_disabled=True)
    answers = []
    for asked in ("ada@example.org", email):
        response = browser(app).send("/account/forgotten", email=asked)
        text = response.text.replace(asked, "ADDRESS")
        answers.append((response.status_code, dict(response.headers)["Cache-Control"], text))

    assert answers[0] == answers[1]
    assert [mail.to for mail in outbox(app)] == [["ada@example.org"]]


def test_page_does_not_wait_for_the_mail(app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    class Threads:
        def submit(self, act: object) -> None:
            done.append(act)

    member("Ada")
    monkeypatch.setitem(app.extensions, "mail_threads", Threads())

    response = visitor.send("/account/forgotten", email="ada@example.org")

    assert response.status_code == 200
    assert len(done) == 1
    assert outbox(app) == []


def test_mail_is_sent_beside_the_request(app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    member("Ada")
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setitem(app.extensions, "mail_threads", threads)
        visitor.send("/account/forgotten", email="ada@example.org")

    assert link_in(outbox(app)[0]).startswith("/account/reset/")


def test_user_of_the_old_site_without_a_password_gets_one(app: Flask, visitor: Browser) -> None:
    member("Ada", None)

    visitor.send(link_for(app), password=ANOTHER)

    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 302


def test_link_is_good_once(app: Flask, visitor: Browser) -> None:
    member("Ada")
    path = link_for(app)
    fields = visitor.hidden_fields(path) | {"password": ANOTHER}
    visitor.post(path, data=fields)

    page = page_of(visitor.get(path), 410)

    assert "This link has expired, was already used" in words(page)
    assert visitor.send("/account/login", email="x", password="y").status_code == 400
    token = visitor.token()
    assert visitor.post(path, data={"csrf_token": token, "password": PASSWORD}).status_code == 410
    assert visitor.sign_in("ada@example.org", ANOTHER).status_code == 302


@pytest.mark.real_server
def test_link_that_is_used_by_two_at_once_gives_one_password(app: Flask) -> None:
    member("Ada")
    path = link_for(app)
    browsers = [browser(app) for _ in range(8)]
    fields = [each.hidden_fields(path) | {"password": f"{ANOTHER} {n}"} for n, each in enumerate(browsers)]

    with ThreadPoolExecutor(8) as people:
        codes = list(people.map(lambda n: browsers[n].post(path, data=fields[n]).status_code, range(8)))

    assert sorted(codes) == [302] + [410] * 7
    assert browser(app).sign_in("ada@example.org", f"{ANOTHER} {codes.index(302)}").status_code == 302


def test_later_link_does_not_outlive_the_one_that_was_used(app: Flask, visitor: Browser) -> None:
    member("Ada")
    first, second = link_for(app), link_for(app)

    visitor.send(first, password=ANOTHER)

    assert visitor.get(second).status_code == 410


@pytest.mark.parametrize("act", ["signs in", "changes the address", "is disabled", "is deleted"])
def test_link_is_worthless_once_the_account_has_changed(app: Flask, visitor: Browser, act: str) -> None:
    ada = member("Ada")
    path = link_for(app)
    assert visitor.get(path).status_code == 200

    match act:
        case "signs in":
            browser(app).sign_in("ada@example.org")
        case "changes the address":
            ada.email = "augusta@example.org"
            ada.save()
        case "is disabled":
            User.objects.update(is_disabled=True)
        case "is deleted":
            ada.delete()

    assert visitor.get(path).status_code == 410


@pytest.mark.parametrize(("seconds", "code"), [(7199, 200), (7202, 410)])
def test_link_is_good_for_two_hours(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch, seconds: int, code: int
) -> None:
    member("Ada")
    path = link_for(app)
    now = TimestampSigner("x").get_timestamp()

    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now + seconds)

    assert visitor.get(path).status_code == code


@pytest.mark.parametrize("tamper", ["x{}", "{}x", "{}.", "..", "%00", "{}" * 50])
def test_link_that_was_changed_is_refused(app: Flask, visitor: Browser, tamper: str) -> None:
    member("Ada")
    token = link_for(app).rpartition("/")[2]

    assert visitor.get(f"/account/reset/{tamper.format(*[token] * 50)}").status_code == 410


def test_link_for_an_address_is_none_for_a_password(app: Flask) -> None:
    visitor = signed_in(app)
    visitor.send("/account/email", email="augusta@example.org", password=PASSWORD)
    token = link_in(outbox(app)[0]).rpartition("/")[2]

    assert visitor.get(f"/account/reset/{token}").status_code == 410
    assert visitor.get(f"/account/email/{link_for(app).rpartition('/')[2]}").status_code == 410


@pytest.mark.parametrize(
    ("path", "way_on"), [("/account/reset/x", "/account/forgotten"), ("/account/email/x", "/account/email")]
)
def test_link_that_is_no_longer_good_leads_to_another_one(visitor: Browser, path: str, way_on: str) -> None:
    page = page_of(visitor.get(path), 410)

    assert ("Request another link", way_on) in links(page, "main a")


def test_link_does_not_tell_the_hash(app: Flask) -> None:
    member("Ada")
    hashed_password = User.objects.get().hashed_password

    token = link_for(app).rpartition("/")[2]

    assert hashed_password[-20:] not in token
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


def test_weak_password_is_refused_and_the_link_stays_good(app: Flask, visitor: Browser) -> None:
    member("Ada Lovelace")
    path = link_for(app)

    response = visitor.send(path, password="adalovelace")

    assert errors(response)["password"].startswith("This password is too easy to guess.")
    assert visitor.send(path, password=ANOTHER).status_code == 302


def test_address_that_is_none_is_told_so(visitor: Browser) -> None:
    assert list(errors(visitor.send("/account/forgotten", email="ada"))) == ["email"]


def test_mailbox_gets_no_more_mails_than_it_should_and_nobody_is_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    member("Ada")
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "3/hour")

    codes = []
    for number in range(5):
        from_elsewhere = browser(app)
        from_elsewhere.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        codes.append(from_elsewhere.send("/account/forgotten", email="ada@example.org").status_code)

    assert codes == [200] * 5
    assert len(outbox(app)) == 3


def test_address_that_asks_for_too_many_mails_is_refused_for_a_while(
    app: Flask, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "3/hour")

    codes = [
        visitor.send("/account/forgotten", email=f"somebody{number}@example.org").status_code for number in range(4)
    ]

    assert codes == [200, 200, 200, 429]
