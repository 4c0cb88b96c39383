"""API tokens that belong to a team or a project: who makes them, and what programs may do with them."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import TestResponse

from tests import factories
from tests.members.test_read_access import as_program
from tests.people import PASSWORD, Browser, browser, errors, signed_in
from tests.publishing import uploads
from tests.reading import one, page_of, words
from webapp.changes import teams
from webapp.documents import ApiToken, AuditEvent, JournalEntry, Maintainer, Membership, Package, Team, TeamRole, User
from webapp.members.api_tokens import make_token

FORM = {"name": "CI of payments", "purpose": "upload", "lifetime": "30", "password": PASSWORD}


@pytest.fixture
def owner(app: Flask) -> Browser:
    """A browser of the owner of a team and of a project, larder-probe, that the team maintains."""
    Team(name="payments", title="Payments").save()
    ada = signed_in(app, teams=[Membership(team="payments", role="owner")])
    user = User.objects.get(email="ada@example.org")
    maintainers = [Maintainer(user_id=user.id, name="Ada", role="owner")]
    factories.package("larder-probe", maintainers=maintainers, teams=[TeamRole(team="payments")])
    factories.package("foreign")
    return ada


def secret_of(answer: TestResponse) -> str:
    assert answer.status_code == 200, errors(answer)
    return one(BeautifulSoup(answer.text, "html.parser"), ".token-secret code").get_text()


def team_token(owner: Browser, **fields: Any) -> str:
    return secret_of(owner.send("/teams/payments/tokens/new", **FORM | fields))


def project_token(owner: Browser, **fields: Any) -> str:
    return secret_of(owner.send("/manage/larder-probe/tokens/new", **FORM | fields))


def upload(app: Flask, secret: str, name: str = "larder-probe", version: str = "2.0", **environ: str) -> TestResponse:
    content = uploads.wheel(name, version)
    client = browser(app)
    client.environ_base |= environ
    return uploads.upload(client, secret, content, uploads.wheel_name(name, version))


@pytest.mark.parametrize("make", [team_token, project_token])
def test_program_publishes_after_who_made_the_token_has_left(app: Flask, owner: Browser, make: Any) -> None:
    secret = make(owner)
    Package._get_collection().update_one({"_id": "larder-probe"}, {"$set": {"maintainers": []}})
    User.objects.delete()

    answer = upload(app, secret)

    assert answer.status_code == 200, answer.text
    entry = JournalEntry.objects.about_package("larder-probe").plain()[0]
    assert entry["actor_name"] in ("CI of payments (token of payments)", "CI of payments (token of larder-probe)")
    assert upload(app, secret, "foreign").status_code == 403


def test_token_of_a_team_does_what_the_team_may_no_longer(app: Flask, owner: Browser) -> None:
    secret = team_token(owner)
    teams.take_role(Package.objects.get(pk="larder-probe").pk, "payments", User.objects.get(name="Ada Lovelace"))

    assert upload(app, secret).status_code == 403


@pytest.mark.parametrize(
    ("page", "delete"),
    [
        ("/teams/payments/tokens/new", lambda: Team.objects.delete()),
        ("/manage/larder-probe/tokens/new", lambda: Package.objects.delete()),
    ],
)
def test_no_token_outlives_an_owner_that_is_deleted_at_the_same_moment(
    owner: Browser, monkeypatch: pytest.MonkeyPatch, page: str, delete: Callable[[], Any]
) -> None:
    def made_too_late(*args: Any, **fields: Any) -> tuple[str, ApiToken]:
        delete()
        return make_token(*args, **fields)

    monkeypatch.setattr("webapp.members.shared_tokens.make_token", made_too_late)

    answer = owner.send(page, **FORM)

    assert answer.status_code == 404
    assert ApiToken.objects.count() == 0


def test_project_that_a_team_creates_is_the_teams(app: Flask, owner: Browser) -> None:
    assert upload(app, team_token(owner), "newborn").status_code == 200

    package = Package.objects.get(pk="newborn")
    assert (package.maintainers, [(each.team, each.role) for each in package.teams]) == ([], [("payments", "owner")])


def test_token_of_a_project_creates_none(app: Flask, owner: Browser) -> None:
    assert upload(app, project_token(owner), "newborn").status_code == 403
    assert Package.objects(pk="newborn").count() == 0


def test_token_is_for_the_projects_that_it_names(app: Flask, owner: Browser) -> None:
    secret = team_token(owner, project="Other, other.two")

    answer = upload(app, secret)

    assert answer.status_code == 403
    assert "This API token is for the projects other, other-two only." in answer.text
    assert upload(app, secret, "other-two").status_code == 200


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ("192.0.2.0/24", "192.0.2.7", 200),
        ("192.0.2.0/24 2001:db8::/32", "198.51.100.1", 403),
        ("2001:db8::/32", "2001:db8::1", 200),
        ("192.0.2.7", "::ffff:192.0.2.7", 200),
    ],
)
def test_token_is_good_at_its_addresses(app: Flask, owner: Browser, networks: str, address: str, status: int) -> None:
    secret = team_token(owner, networks=networks)

    assert upload(app, secret, REMOTE_ADDR=address).status_code == status


def test_last_use_is_shown_with_its_address(app: Flask, owner: Browser) -> None:
    upload(app, team_token(owner), REMOTE_ADDR="192.0.2.7")

    page = words(one(page_of(owner.get("/teams/payments/tokens")), "main"))

    assert "from 192.0.2.7" in page
    assert "made by Ada Lovelace" in page
    assert "All its projects" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("networks", "everywhere"), ("networks", "192.0.2.0/24 " * 3 + "300.1.1.1"), ("project", "a_ -b"), ("name", "")],
)
def test_bad_input_is_an_error_of_its_field(owner: Browser, field: str, value: str) -> None:
    assert set(errors(owner.send("/teams/payments/tokens/new", **FORM | {field: value}))) == {field}
    assert ApiToken.objects.count() == 0


def test_only_owners_see_and_make_them(app: Flask, owner: Browser) -> None:
    team_token(owner)
    token = ApiToken.objects.get()
    grace = signed_in(app, "Grace", teams=[Membership(team="payments")])
    csrf = {"csrf_token": grace.token("/account/profile")}

    for path in ("/teams/payments/tokens", "/teams/payments/tokens/new", "/manage/larder-probe/tokens"):
        assert grace.get(path).status_code == 403
    assert grace.post(f"/teams/payments/tokens/{token.id}/revoke", data=csrf).status_code == 403
    assert owner.post(f"/manage/larder-probe/tokens/{token.id}/revoke", data=csrf).status_code in (400, 404)
    assert ApiToken.objects.count() == 1


def test_owner_revokes_one(app: Flask, owner: Browser) -> None:
    secret = team_token(owner)
    owner.press("/teams/payments/tokens", f"/teams/payments/tokens/{ApiToken.objects.get().id}/revoke")

    assert upload(app, secret).status_code == 403
    assert any("Revoked the API token “CI of payments”" in each.description for each in AuditEvent.objects)


def test_wrong_password_makes_none(owner: Browser) -> None:
    assert set(errors(owner.send("/teams/payments/tokens/new", **FORM | {"password": "wrong"}))) == {"password"}


def test_tokens_end_with_their_team_and_project(app: Flask, owner: Browser) -> None:
    team_token(owner)
    project_token(owner)
    teams.take_role(Package.objects.get(pk="larder-probe").pk, "payments", User.objects.get(name="Ada Lovelace"))
    teams.delete_team("payments")
    left = [each.owner.kind for each in ApiToken.objects]
    owner.send("/manage/larder-probe/delete", typed="larder-probe")

    assert left == ["project"]
    assert ApiToken.objects.count() == 0


def test_programs_of_a_team_read_what_the_team_may(app: Flask, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"team": team_token(owner, purpose="read"), "project": project_token(owner, purpose="read")}
    Package._get_collection().update_many({}, {"$set": {"readers": ["staff"]}})
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")

    for secret in secrets.values():
        own, foreign = (
            browser(app).get(f"/simple/{name}/", headers=as_program(secret)) for name in ("larder-probe", "foreign")
        )

        assert (own.status_code, foreign.status_code in (403, 404)) == (200, True)
