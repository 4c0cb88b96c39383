"""`/manage/<name>/teams/`: what teams may do in a project."""

from flask import Flask
from flask.testing import FlaskClient

from tests.manage.conftest import NAME, PEOPLE, Publish, id_of
from tests.people import Browser, errors, outbox, signed_in
from tests.publishing import uploads
from tests.reading import page_of, texts
from webapp.documents import Membership, Package, Team, User

ADD = f"/manage/{NAME}/teams/add"


def roles_of_teams() -> dict[str, str]:
    return {each.team: each.role for each in Package.objects.get(pk=NAME).teams or []}


def upload(client: FlaskClient, user: str, version: str) -> int:
    content = uploads.wheel(version=version)
    secret = uploads.token_of(User.objects.get(name=user))
    return uploads.upload(client, secret, content, uploads.wheel_name(version=version)).status_code


def test_members_of_a_team_do_what_its_role_allows(
    app: Flask, client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish()
    Team(name="payments", title="Payments").save()
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    stranger = upload(client, "Grace", "1.1")

    ada.send(ADD, team="payments", role="maintainer")
    maintains = [grace.get(path).status_code for path in (f"/manage/{NAME}/", f"/manage/{NAME}/delete")]
    uploaded = upload(client, "Grace", "1.1")
    ada.send(f"/manage/{NAME}/teams/payments/owner")
    owns = grace.get(f"/manage/{NAME}/delete").status_code

    assert (stranger, maintains, uploaded, owns) == (403, [200, 403], 200, 200)
    assert texts(page_of(grace.get("/manage/")), ".package-name") == [NAME]
    assert roles_of_teams() == {"payments": "owner"}


def test_person_who_leaves_the_team_leaves_its_projects(
    app: Flask, client: FlaskClient, ada: Browser, publish: Publish
) -> None:
    publish()
    Team(name="payments").save()
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    ada.send(ADD, team="payments", role="owner")

    grace.send("/teams/payments/leave")

    assert grace.get(f"/manage/{NAME}/").status_code == 403
    assert upload(client, "Grace", "1.1") == 403


def test_team_that_is_not_there_is_not_added(ada: Browser, publish: Publish) -> None:
    publish()

    assert set(errors(ada.send(ADD, team="nothing", role="owner"))) == {"team"}
    assert roles_of_teams() == {}


def test_owner_removes_a_team(ada: Browser, publish: Publish) -> None:
    publish()
    Team(name="payments").save()
    ada.send(ADD, team="payments", role="owner")

    ada.send(f"/manage/{NAME}/teams/payments/remove")

    assert roles_of_teams() == {}


def test_maintainer_chooses_no_teams(app: Flask, publish: Publish, ada: Browser) -> None:
    publish()
    Team(name="payments").save()
    ada.send(ADD, team="payments", role="maintainer")
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    token = {"csrf_token": grace.token("/account/profile")}

    assert grace.get(ADD).status_code == 403
    for act in ("owner", "remove"):
        assert grace.post(f"/manage/{NAME}/teams/payments/{act}", data=token).status_code == 403
    assert roles_of_teams() == {"payments": "maintainer"}


def test_owners_through_a_team_invite_and_are_told_of_deletions(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    Team(name="payments").save()
    ada.send(ADD, team="payments", role="owner")
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    grace.send(PEOPLE, email="eve@example.org", role="maintainer")
    pending = texts(page_of(ada.get(PEOPLE)), "main td")
    app.extensions["mailman"].outbox = []

    ada.send(f"/manage/{NAME}/delete", typed=NAME)

    assert any(text.startswith("eve@example.org until") for text in pending)
    assert sorted(mail.to[0] for mail in outbox(app)) == ["ada@example.org", "grace@example.org"]


def test_member_of_the_team_only_is_offered_no_way_to_leave_alone(app: Flask, ada: Browser, publish: Publish) -> None:
    publish()
    Team(name="payments").save()
    ada.send(ADD, team="payments", role="maintainer")
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])

    assert "Leave this project" not in grace.get(f"/manage/{NAME}/settings").text
    assert id_of("Grace") not in [each.user_id for each in Package.objects.get(pk=NAME).maintainers]
