"""What an account is invited to."""

from datetime import timedelta

import pytest
from flask import Flask

from tests import factories
from tests.manage.conftest import NAME, PEOPLE, Publish, ada, publish, roles
from tests.people import Browser, signed_in
from tests.reading import one, page_of, words
from webapp.documents import Invitation, Maintainer, Package, Team, User
from webapp.documents.base import utc_now

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


def invite(owner: User, person: User, count: int, *, expires_in: timedelta = timedelta(days=1)) -> None:
    """Invite somebody to so many projects."""
    for number in range(count):
        invitation = Invitation(
            invitation_id=str(number),
            email=person.email,
            user_id=person.id,
            invited_by=owner.id,
            expires_at=utc_now() + expires_in,
        )
        name = f"{'valid' if expires_in > timedelta() else 'over'}-{number}"
        factories.package(name, maintainers=[Maintainer(user_id=owner.id, role="owner")], invitations=[invitation])


@pytest.mark.parametrize(("count", "has_more"), [(50, False), (51, True)])
def test_more_invitations_than_are_shown_are_told_of(app: Flask, count: int, *, has_more: bool) -> None:
    owner, grace = factories.user("Ada"), signed_in(app, "Grace")
    person = User.objects.get(name="Grace")
    invite(owner, person, 60, expires_in=-timedelta(days=1))
    invite(owner, person, count)

    told, page = grace.get("/account/nav").json, page_of(grace.get("/account"))

    assert told is not None
    assert (told["invitations"], told["has_more_invitations"]) == (50, has_more)
    assert len(page.select("#invitations form")) == 50
    assert words(one(page, "#invitations h2")) == f"Invitations (50{'+' if has_more else ''})"
    assert ("There are more. They appear as you answer these." in words(one(page, "#invitations"))) == has_more


def test_invitations_to_projects_and_to_teams_are_shown_up_to_a_number_together(app: Flask) -> None:
    owner, grace = factories.user("Ada", is_admin=True), signed_in(app, "Grace")
    person = User.objects.get(name="Grace")
    invite(owner, person, 49)
    for name in ("staff", "helpers"):
        invitation = Invitation(
            invitation_id="1",
            email=person.email,
            user_id=person.id,
            role="member",
            invited_by=owner.id,
            expires_at=utc_now() + timedelta(days=1),
        )
        Team(name=name, invitations=[invitation]).save()

    told = grace.get("/account/nav").json

    assert told is not None
    assert (told["invitations"], told["has_more_invitations"]) == (50, True)


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
