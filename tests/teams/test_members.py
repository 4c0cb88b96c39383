"""`/teams/<team>/`: who belongs to a team."""

import pytest
from flask import Flask

from tests.people import Browser, errors, member, outbox, signed_in
from tests.reading import page_of, texts
from webapp.documents import AuditEvent, Membership, Team, User
from webapp.documents.base import utc_now
from webapp.members.sessions import FRESH


@pytest.fixture
def owner(app: Flask) -> Browser:
    """A browser in which the owner of a team is signed in."""
    Team(name="payments", title="Payments").save()
    return signed_in(app, teams=[Membership(team="payments", role="owner")])


def test_owner_adds_somebody_who_is_told_by_mail(app: Flask, owner: Browser) -> None:
    member("Grace Hopper", username="grace")

    answer = owner.send("/teams/payments/add", user="Grace", role="member")

    assert answer.location == "/teams/payments/"
    assert User.objects.get(username="grace").role_in("payments") == "member"
    assert texts(page_of(owner.get("/teams/payments/")), "main td:first-child a") == ["Ada Lovelace", "Grace Hopper"]
    [mail] = outbox(app)
    assert mail.to == ["grace@example.org"]
    assert "Ada Lovelace added you to the team Payments at Larder, as its member." in mail.body
    assert "http://localhost/teams/payments/" in mail.body
    assert "Added Grace Hopper as member of payments." in [each.description for each in AuditEvent.objects]


@pytest.mark.parametrize("user", ["nobody", "nobody@example.org", "disabled@example.org"])
def test_only_enabled_accounts_are_added(owner: Browser, user: str) -> None:
    member("Disabled", is_disabled=True)

    answer = owner.send("/teams/payments/add", user=user, role="member")

    assert errors(answer) == {"user": "There is no enabled account with this username or address."}


def test_nobody_is_added_twice(app: Flask, owner: Browser) -> None:
    answer = owner.send("/teams/payments/add", user="ada@example.org", role="member")

    assert set(errors(answer)) == {"user"}
    assert User.objects.get(email="ada@example.org").role_in("payments") == "owner"
    assert outbox(app) == []


def test_looking_for_accounts_is_limited(owner: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "INVITATION_LIMIT", "2/hour")

    statuses = [owner.send("/teams/payments/add", user="nobody", role="member").status_code for _ in range(3)]

    assert statuses == [400, 400, 429]


def test_owner_changes_roles_and_removes_people(owner: Browser) -> None:
    grace = member("Grace", teams=[Membership(team="payments")])
    person = f"/teams/payments/members/{grace.id}"

    owner.send(f"{person}/owner")
    promoted = User.objects.get(pk=grace.pk).role_in("payments")
    owner.send(f"{person}/member")
    owner.send(f"{person}/remove")

    assert promoted == "owner"
    assert User.objects.get(pk=grace.pk).team_names == []


def test_member_changes_nobody_and_sees_no_button_for_it(app: Flask, owner: Browser) -> None:
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    ada = User.objects.get(email="ada@example.org")
    token = {"csrf_token": grace.token("/account/profile")}

    acts = [str(each["href"]) for each in page_of(grace.get("/teams/payments/")).select("main a.btn")]

    assert acts == ["/teams/payments/leave"]
    assert grace.get("/teams/payments/add").status_code == 403
    for act in ("remove", "member"):
        assert grace.post(f"/teams/payments/members/{ada.id}/{act}", data=token).status_code == 403
    assert User.objects.get(pk=ada.pk).role_in("payments") == "owner"


def test_somebody_of_another_team_is_out_of_reach(owner: Browser) -> None:
    other = member("Other", teams=[Membership(team="search")])
    token = {"csrf_token": owner.token("/account/profile")}

    for user_id in (other.id, "x"):
        assert owner.post(f"/teams/payments/members/{user_id}/remove", data=token).status_code == 404
    assert User.objects.get(pk=other.pk).team_names == ["search"]


def test_old_sign_in_confirms_before_anybody_is_added(owner: Browser) -> None:
    long_ago = utc_now() - 3 * FRESH
    User._get_collection().update_many({}, {"$set": {"sessions.0.created_date": long_ago}})

    answer = owner.get("/teams/payments/add")

    assert answer.status_code == 302
    assert answer.location.startswith("/account/confirm?next=/teams/payments/add")
