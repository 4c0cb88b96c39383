"""What an account is invited to."""

import pytest
from flask import Flask

from tests.manage.conftest import NAME, PEOPLE, Publish, ada, publish, roles
from tests.people import Browser, signed_in
from tests.reading import one, page_of, words
from webapp.documents import Package, User

__all__ = ["ada", "publish"]  # fixtures


def number_in_navigation(browser: Browser) -> int:
    """How many invitations the script of each page would show."""
    answer = browser.get("/account/nav").json
    assert answer is not None
    number: int = answer["invitations"]
    return number


def invitations(browser: Browser) -> list[str]:
    """The addresses to answer the invitations on somebody's account page."""
    return [str(form["action"]) for form in page_of(browser.get("/account")).select("#invitations form")]


def test_invited_member_answers_on_the_account_page(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    grace, linus = signed_in(app, "Grace"), signed_in(app, "Linus")
    for email in ("grace@example.org", "linus@example.org"):
        ada.send(PEOPLE, email=email, role="owner")

    page = page_of(grace.get("/account"))
    assert [number_in_navigation(each) for each in (grace, linus, ada)] == [1, 1, 0]
    [accept], [decline] = invitations(grace), invitations(linus)
    grace.post(accept, data={"csrf_token": grace.token("/account/profile")})
    linus.post(decline, data={"csrf_token": linus.token("/account/profile"), "decline": "yes"})

    assert f"Ada Lovelace invites you to the project {NAME}, as its owner." in words(one(page, "#invitations"))
    assert roles() == {"Ada Lovelace": "owner", "Grace": "owner"}
    assert invitations(grace) == invitations(linus) == []
    assert number_in_navigation(grace) == number_in_navigation(linus) == 0


@pytest.mark.parametrize(("server", "is_seen"), [("mail.example.org", True), ("", False)])
def test_address_of_a_later_account_counts_where_addresses_are_confirmed(
    app: Flask, ada: Browser, publish: Publish, monkeypatch: pytest.MonkeyPatch, server: str, *, is_seen: bool
) -> None:
    publish()
    ada.send(PEOPLE, email="grace@example.org", role="maintainer")
    monkeypatch.setitem(app.config, "MAIL_SERVER", server)

    assert bool(invitations(signed_in(app, "Grace"))) == is_seen


def test_address_that_is_not_confirmed_yet_sees_no_invitation(
    app: Flask, ada: Browser, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    ada.send(PEOPLE, email="grace@example.org", role="maintainer")
    monkeypatch.setitem(app.config, "MAIL_SERVER", "mail.example.org")
    eve = signed_in(app, "Eve", email=None, unconfirmed_email="grace@example.org")

    assert invitations(eve) == []


def test_invitation_of_a_disabled_owner_is_worth_nothing(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    grace = signed_in(app, "Grace")
    ada.send(PEOPLE, email="grace@example.org", role="owner")
    [link] = invitations(grace)

    User.objects(email="ada@example.org").update(is_disabled=True)

    assert invitations(grace) == []
    assert grace.get(link).status_code == 410


def test_invitation_to_a_project_that_only_a_team_may_read_is_seen(
    app: Flask, ada: Browser, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    grace, eve = signed_in(app, "Grace"), signed_in(app, "Eve")
    ada.send(PEOPLE, email="grace@example.org", role="maintainer")
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    Package.objects.raw().update_one({"_id": NAME}, {"$set": {"readers": ["staff"]}})

    [link] = invitations(grace)

    assert grace.send(link).status_code == 302
    assert "Grace" in roles()
    assert invitations(eve) == []


def test_invitation_by_username_keeps_the_address_to_itself(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    signed_in(app, "Grace", username="grace", email="secret@example.org")
    ada.send(PEOPLE, email="grace", role="maintainer")
    page = ada.get(PEOPLE)
    link = str(one(page_of(page), "a.invitation-link")["href"]).removeprefix("http://localhost")

    assert "secret@example.org" not in page.text + ada.get(link).text + ada.get("/account").text
    assert len(Package.objects.get().invitations) == 1
