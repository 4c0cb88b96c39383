"""Owners hear of what was deleted."""

import pytest
from flask import Flask

from tests.accounts.every_form import GRACE, ISSUER, world
from tests.manage.conftest import NAME, Join, Publish, ada, join, publish
from tests.people import Browser, member, outbox
from tests.publishing import uploads
from webapp.documents import Membership, User

__all__ = ["ada", "join", "publish"]  # fixtures


@pytest.mark.parametrize(
    ("address", "typed", "deleted"),
    [
        (f"/manage/{NAME}/delete", NAME, f"the project {NAME}"),
        (f"/manage/{NAME}/delete-release/1.0", f"{NAME} 1.0", f"{NAME} 1.0"),
        (f"/manage/{NAME}/delete-file/{uploads.wheel_name()}/of/1.0", uploads.wheel_name(), uploads.wheel_name()),
    ],
)
def test_every_owner_gets_a_mail_about_what_was_deleted(
    app: Flask, ada: Browser, join: Join, publish: Publish, address: str, typed: str, deleted: str
) -> None:
    publish()
    join("Grace Hopper", "owner")
    join("Linus Pauling", "maintainer")
    join("Emmy Noether", "owner")
    User.objects(name="Emmy Noether").update(is_disabled=True)

    refused = ada.send(address, typed="something else")
    sent_before = len(outbox(app))
    done = ada.send(address, typed=typed)

    assert (refused.status_code, sent_before, done.status_code) == (400, 0, 302)
    assert sorted(mail.to for mail in outbox(app)) == [["ada@example.org"], ["grace@example.org"]]
    for mail in outbox(app):
        assert mail.subject.startswith(f"Deleted: {deleted} ")
        assert f"Ada Lovelace deleted {deleted} from" in mail.body
        assert f"Ada Lovelace deleted {deleted} from" in mail.alternatives[0][0]


@pytest.mark.parametrize(
    ("path", "fields", "what"),
    [
        (
            "publishers/new",
            {"issuer": ISSUER, "service": "other", "conditions": "sub = x"},
            f"Let a pipeline publish Shared: {ISSUER} sub=x",
        ),
        ("publishers/ci/remove", {}, f"Removed a publisher of Shared: {ISSUER} sub=ci"),
        ("publishers/only/on", {}, "Chose that new files of Shared are accepted from trusted publishers only"),
        ("teams/add", {"team": "helpers", "role": "owner"}, "Made the team helpers an owner of Shared"),
        ("teams/staff/maintainer", {}, "Made the team Staff a maintainer of Shared"),
        ("teams/staff/remove", {}, "Removed the team staff from Shared"),
    ],
)
def test_owners_hear_who_publishes_and_which_teams_rule(
    app: Flask, path: str, fields: dict[str, str], what: str
) -> None:
    owner = world(app)

    answer = owner.send(f"/manage/shared/{path}", **fields)

    assert answer.status_code == 302
    assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "grace@example.org"]
    assert outbox(app)[0].subject == f"Shared: {what} · Larder"
    assert f"Ada Lovelace {what[0].lower()}{what[1:]} at Larder." in outbox(app)[0].body


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (f"members/{GRACE}/owner", "made Grace an owner of the team Staff"),
        (f"members/{GRACE}/remove", "removed Grace from the team Staff"),
        ("leave", "left the team Staff"),
    ],
)
def test_owners_of_a_team_and_the_person_hear_who_rules_it(app: Flask, path: str, what: str) -> None:
    owner = world(app)
    User.objects(email="ada@example.org").update(teams=[Membership(team="staff", role="owner")])
    member("Hopper", teams=[Membership(team="staff", role="owner")])
    member("Nobody", teams=[Membership(team="staff")])

    owner.send(f"/teams/staff/{path}")

    concerned = ["ada@example.org"] if path == "leave" else ["ada@example.org", "grace@example.org"]
    assert sorted(mail.to[0] for mail in outbox(app)) == [*concerned, "hopper@example.org"]
    assert f"Ada Lovelace {what} at Larder." in outbox(app)[0].body
    assert f"Ada Lovelace {what} at Larder." in str(outbox(app)[0].alternatives[0][0])
