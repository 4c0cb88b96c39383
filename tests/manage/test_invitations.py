"""People are invited to a project by mail."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.manage.conftest import NAME, PEOPLE, Join, Publish, journal_about_people, roles
from tests.people import ANOTHER, Browser, browser, errors, link_in, member, outbox, signed_in
from tests.publishing import uploads
from tests.reading import links, one, page_of, texts, words
from webapp.changes.maintaining import NotThere, accept, invite
from webapp.changes.pypi_json import store
from webapp.documents import JournalEntry, Package, User
from webapp.documents.base import utc_now


@pytest.fixture
def invited(app: Flask, ada: Browser, publish: Publish) -> Callable[..., str]:
    """Let Ada invite somebody; return the path of the link in the mail."""
    publish()

    def invited(email: str = "grace@example.org", role: str = "maintainer") -> str:
        response = ada.send(PEOPLE, email=email, role=role)
        assert response.status_code == 302, errors(response)
        [mail] = [mail for mail in outbox(app) if mail.to == [email]][-1:]
        return link_in(mail)

    return invited


def test_member_who_is_invited_accepts_and_uploads(
    app: Flask, client: FlaskClient, ada: Browser, invited: Callable[..., str]
) -> None:
    link = invited()
    [mail] = outbox(app)
    grace = signed_in(app, "Grace Hopper")

    page = page_of(grace.get(link))
    response = grace.send(link)

    assert "Ada Lovelace invites you to maintain the project larder-probe" in mail.body
    assert "Ada Lovelace invites you to maintain larder-probe as its maintainer." in words(one(page, ".lead"))
    assert response.location == f"/manage/{NAME}/"
    assert roles() == {"Ada Lovelace": "owner", "Grace Hopper": "maintainer"}
    assert journal_about_people()[:2] == [("add maintainer", "Grace Hopper"), ("invite maintainer", None)]
    secret = uploads.token_of(User.objects.get(name="Grace Hopper"))
    assert uploads.upload(client, secret, uploads.sdist(), uploads.sdist_name()).status_code == 200
    assert ("larder-probe 1.0", f"/manage/{NAME}/") in links(page_of(grace.get("/manage/")), ".package-link")


def test_who_has_no_account_registers_on_the_way(app: Flask, invited: Callable[..., str]) -> None:
    link = invited(role="owner")
    newcomer = browser(app)

    page = page_of(newcomer.get(link))
    [register] = [address for text, address in links(page, "main a") if text == "Register"]
    fields = {"name": "Grace Hopper", "email": "grace@example.org", "password": ANOTHER}
    response = newcomer.send(register, **fields)

    assert texts(page, "main button") == ["Decline"]
    assert newcomer.post(link, data={"csrf_token": newcomer.token(link)}).status_code == 302
    assert response.location == link
    assert roles() == {"Ada Lovelace": "owner", "Grace Hopper": "owner"}


def test_link_lets_one_person_in_once(app: Flask, invited: Callable[..., str]) -> None:
    link = invited()
    grace, eve = signed_in(app, "Grace Hopper"), signed_in(app, "Eve")
    grace.send(link)

    again = eve.post(link, data={"csrf_token": eve.token("/account/profile")})

    assert "already used" in words(one(page_of(again, 410), ".lead"))
    assert page_of(eve.get(link), 410)
    assert "Eve" not in roles()


@pytest.mark.parametrize(
    ("access", "how"),
    [
        ("public", "You need an account to accept; you can register there."),
        ("members", "An administrator of the site can create one for you; ask Ada Lovelace if you do not have one."),
    ],
)
def test_mail_says_how_to_get_an_account(
    app: Flask, monkeypatch: pytest.MonkeyPatch, ada: Browser, invited: Callable[..., str], access: str, how: str
) -> None:
    monkeypatch.setitem(app.config, "READ_ACCESS", access)

    invited()

    mail = outbox(app)[-1]
    assert how in mail.body
    assert how in str(mail.alternatives[0][0])


def test_invitation_can_be_declined_without_an_account(app: Flask, ada: Browser, invited: Callable[..., str]) -> None:
    link = invited()
    newcomer = browser(app)

    response = newcomer.send(link, decline="yes")

    assert (response.status_code, response.location) == (302, "/account/login")
    assert newcomer.get(link).status_code == 410
    assert journal_about_people()[0] == ("decline invitation", None)
    assert "There are no pending invitations" in page_of(ada.get(PEOPLE)).get_text()


def test_invitation_that_was_taken_back_is_worth_nothing(app: Flask, ada: Browser, invited: Callable[..., str]) -> None:
    link = invited()
    [action] = [str(form["action"]) for form in page_of(ada.get(PEOPLE)).select("form[action*=revoke]")]

    response = ada.press(PEOPLE, action)

    assert response.location == PEOPLE
    assert signed_in(app, "Grace").get(link).status_code == 410


@pytest.mark.parametrize("change", ["too old", "no owner any more", "project deleted", "forged", "invited again"])
def test_link_counts_no_more(
    app: Flask, ada: Browser, join: Join, invited: Callable[..., str], publish: Publish, change: str
) -> None:
    link = invited()
    join("Linus", "owner")
    grace = signed_in(app, "Grace Hopper")

    match change:
        case "too old":
            past = utc_now() - timedelta(seconds=1)
            Package._get_collection().update_one({}, {"$set": {"invitations.0.expires_at": past}})
        case "no owner any more":
            ada.send(f"/manage/{NAME}/leave")
        case "project deleted":
            ada.send(f"/manage/{NAME}/delete", typed=NAME)
            publish("1.1")
        case "forged":
            link = link[:-3] + "abc"
        case "invited again":
            invited("GRACE@example.org", "owner")

    assert grace.get(link).status_code == 410
    assert grace.post(link, data={"csrf_token": grace.token("/account/profile")}).status_code == 410
    assert "Grace Hopper" not in roles()


def test_invitation_outlives_an_import(app: Flask, invited: Callable[..., str]) -> None:
    link = invited()

    store(Package(normalized_name=NAME, name=NAME, releases=[factories.release("2.0")]))

    assert signed_in(app, "Grace Hopper").get(link).status_code == 200


def test_address_that_is_none_and_too_many_invitations_are_refused(
    app: Flask, ada: Browser, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    user = User.objects.get()
    for number in range(20):
        invite(NAME, f"n{number}@example.org", "maintainer", user)

    assert list(errors(ada.send(PEOPLE, email="nobody", role="owner"))) == ["email"]
    assert list(errors(ada.send(PEOPLE, email="a@example.org", role="king"))) == ["role"]
    too_many = errors(ada.send(PEOPLE, email="a@example.org", role="owner"))
    assert "20 people have already been invited" in too_many["email"]
    monkeypatch.setitem(app.config, "HTTPS_ONLY", 1)
    monkeypatch.setitem(app.config, "MAIL_SERVER", "")
    assert "cannot send email" in errors(ada.send(PEOPLE, email="a@example.org", role="owner"))["email"]
    assert outbox(app) == []


def test_addresses_of_the_invited_are_for_owners_alone(
    client: FlaskClient, ada: Browser, join: Join, invited: Callable[..., str]
) -> None:
    invited("grace@example.org")
    linus = join("Linus")

    pages = [client.get(path) for path in (f"/project/{NAME}/", f"/pypi/{NAME}/json", f"/simple/{NAME}/")]
    pages += [linus.get(f"/manage/{NAME}/{path}") for path in ("maintainers", "history", "")]

    assert {page.status_code for page in pages} == {200}
    assert [page.request.path for page in pages if "grace@example.org" in page.text] == []
    assert "grace@example.org" in ada.get(PEOPLE).text
    assert "grace@example.org" not in str(list(JournalEntry._get_collection().find()))


@pytest.mark.real_server
def test_of_many_who_use_one_link_at_once_one_gets_in(app: Flask, publish: Publish) -> None:
    publish()
    invitation = invite(NAME, "grace@example.org", "owner", User.objects.get())
    users = [member(f"User{number} X") for number in range(8)]
    refused: list[NotThere] = []

    def take(user: User) -> None:
        try:
            accept(NAME, invitation.invitation_id, user)
        except NotThere as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 7
    assert len(roles()) == 2
