"""People are invited to a team, and answer with the link or on their account page."""

from datetime import timedelta

import pytest
from flask import Flask

from tests.people import Browser, browser, errors, link_in, member, outbox, signed_in
from tests.reading import one, page_of, texts, words
from webapp.documents import AuditEvent, Membership, Team, User
from webapp.documents.base import utc_now

TEAM, INVITE = "/teams/payments/", "/teams/payments/invite"


@pytest.fixture
def owner(app: Flask) -> Browser:
    """A browser in which the owner of a team is signed in."""
    Team(name="payments", title="Payments").save()
    return signed_in(app, teams=[Membership(team="payments", role="owner")])


def invited(owner: Browser, email: str = "grace@example.org", role: str = "member") -> str:
    """Let the owner invite somebody; return the path of the link in the mail."""
    answer = owner.send(INVITE, email=email, role=role)
    assert answer.status_code == 302, errors(answer)
    return link_in(outbox(owner.application)[-1])


def role_of(name: str) -> str | None:
    found: str | None = User.objects.get(name=name).role_in("payments")
    return found


@pytest.mark.parametrize("role", ["member", "owner"])
def test_invited_person_joins_by_the_link_in_the_mail(app: Flask, owner: Browser, role: str) -> None:
    link = invited(owner, role=role)
    mail = outbox(app)[-1]
    grace = signed_in(app, "Grace")

    page = page_of(grace.get(link))
    answer = grace.send(link)

    assert f"Ada Lovelace invites you to join the team Payments at Larder as its {role}." in mail.body
    assert f"Ada Lovelace invites you to join the team Payments as its {role}." in words(one(page, ".lead"))
    assert answer.location == TEAM
    assert role_of("Grace") == role
    assert f"Became {role} of payments by invitation." in [each.description for each in AuditEvent.objects]
    assert sorted(each.to[0] for each in outbox(app)[1:]) == ["ada@example.org", "grace@example.org"]


def test_invitation_is_seen_and_accepted_in_the_account(app: Flask, owner: Browser) -> None:
    grace = signed_in(app, "Grace", username="grace")
    owner.send(INVITE, email="grace", role="member")

    page = page_of(grace.get("/account"))
    [form] = page.select("#invitations form")
    grace.post(str(form["action"]), data={"csrf_token": grace.token("/account/profile")})

    assert words(one(page, "#invitations h2")) == "Invitations (1)"
    assert "Ada Lovelace invites you to the team Payments, as its member." in words(one(page, "#invitations"))
    assert role_of("Grace") == "member"
    assert page_of(grace.get("/account")).select("#invitations") == []


def test_link_lets_one_person_in_once(app: Flask, owner: Browser) -> None:
    link = invited(owner)
    grace, eve = signed_in(app, "Grace"), signed_in(app, "Eve")
    grace.send(link)
    grace.send(f"{TEAM}leave")

    again = [each.post(link, data={"csrf_token": each.token("/account/profile")}) for each in (grace, eve)]

    assert [each.status_code for each in again] == [410, 410]
    assert (role_of("Grace"), role_of("Eve")) == (None, None)


@pytest.mark.parametrize(
    "change", ["too old", "no owner any more", "disabled", "team deleted", "forged", "revoked", "invited again"]
)
def test_link_counts_no_more(app: Flask, owner: Browser, change: str) -> None:
    link = invited(owner)
    grace, ada = signed_in(app, "Grace"), User.objects.get(email="ada@example.org")

    match change:
        case "too old":
            past = utc_now() - timedelta(seconds=1)
            Team._get_collection().update_one({}, {"$set": {"invitations.0.expires_at": past}})
        case "no owner any more":
            User.objects(pk=ada.pk).update(teams=[Membership(team="payments", role="member")])
        case "disabled":
            User.objects(pk=ada.pk).update(is_disabled=True)
        case "team deleted":
            Team.objects.delete()
            Team(name="payments", title="Payments").save()
        case "forged":
            link = link[:-3] + "abc"
        case "revoked":
            [action] = [str(form["action"]) for form in page_of(owner.get(TEAM)).select("form[action*=revoke]")]
            owner.press(TEAM, action)
        case "invited again":
            invited(owner, "GRACE@example.org")

    assert grace.get(link).status_code == 410
    assert grace.post(link, data={"csrf_token": grace.token("/account/profile")}).status_code == 410
    assert role_of("Grace") is None
    if change != "invited again":
        assert page_of(grace.get("/account")).select("#invitations") == []


def test_nobody_is_invited_twice(owner: Browser) -> None:
    first = invited(owner)
    second = invited(owner, "Grace@Example.org")

    assert first != second
    assert len(Team.objects.get().invitations) == 1


def test_member_is_not_invited_again_and_a_username_has_to_exist(app: Flask, owner: Browser) -> None:
    answers = [owner.send(INVITE, email=email, role="member") for email in ("ada@example.org", "nobody", "no address@")]

    assert [set(errors(each)) for each in answers] == [{"email"}] * 3
    assert outbox(app) == []


def test_twenty_people_are_invited_in_one_sitting_and_then_sixty_an_hour(
    app: Flask, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_LIMIT", "2/hour")
    monkeypatch.setitem(app.config, "INVITATION_LIMIT", "21/hour")

    statuses = [owner.send(INVITE, email=f"n{number}@example.org", role="member").status_code for number in range(22)]

    assert statuses == [302] * 21 + [429]
    assert len(page_of(owner.get(TEAM)).select("a.invitation-link")) == 21


def test_invitation_by_username_keeps_the_address_to_itself(app: Flask, owner: Browser) -> None:
    member("Grace", username="grace", email="secret@example.org")

    answer = owner.send(INVITE, email="grace", role="member")
    link = str(one(page_of(owner.get(TEAM)), "a.invitation-link")["href"]).removeprefix("http://localhost")

    assert answer.status_code == 302
    assert outbox(app)[-1].to == ["secret@example.org"]
    assert "secret@example.org" not in owner.get(TEAM).text + owner.get(link).text
    assert "secret@example.org" not in str(list(AuditEvent.objects.plain()))


def test_link_can_be_declined_without_an_account(app: Flask, owner: Browser) -> None:
    link, newcomer = invited(owner), browser(app)

    answer = newcomer.send(link, decline="yes")

    assert answer.location == "/account/login"
    assert newcomer.get(link).status_code == 410
    assert texts(page_of(owner.get(TEAM)), "section:last-child td") == ["There are no pending invitations."]


def test_only_owners_invite_and_see_who_is_invited(app: Flask, owner: Browser) -> None:
    invited(owner)
    [action] = [str(form["action"]) for form in page_of(owner.get(TEAM)).select("form[action*=revoke]")]
    linus = signed_in(app, "Linus", teams=[Membership(team="payments")])
    token = {"csrf_token": linus.token("/account/profile")}

    refused = [linus.post(path, data=token | {"email": "e@example.org", "role": "owner"}) for path in (INVITE, action)]

    assert [each.status_code for each in refused] == [403, 403]
    assert "grace@example.org" not in linus.get(TEAM).text
    assert len(Team.objects.get().invitations) == 1
