"""Every act that changes who rules or publishes asks first, and needs a recent sign-in or confirmation."""

import pytest
from flask import Flask

from tests.accounts.every_form import FORMS, path_of, world
from tests.accounts.test_two_factor import long_ago
from tests.reading import page_of
from webapp.documents import Package, Team, User

# The acts of `every_form.FORMS`, each with the name of whom or what it is about, which the question says.
ASKED = {
    "admin.change_user": "Grace",
    "admin.maintainers": "Example",
    "admin.end_maintaining": "Example",
    "admin.transfer_project": "Example",
    "manage.change_role": "Grace",
    "manage.remove_maintainer": "Grace",
    "manage.leave": "Shared",
    "manage.add_team": "Shared",
    "manage.change_team": "staff",
    "manage.remove_team": "staff",
    "manage.readers": "Shared",
    "manage.new_publisher_page": "Shared",
    "manage.remove_publisher_page": "Shared",
    "manage.only_publishers": "Shared",
    "teams.new_team": "team",
    "teams.settings": "Staff",
    "teams.delete_team": "helpers",
    "teams.leave": "Staff",
    "teams.add_member": "Staff",
    "teams.invite": "Staff",
    "teams.change_role": "Grace",
    "teams.remove": "Grace",
}
OF_ADMINISTRATORS = ("make-administrator", "remove-administrator", "disable", "enable")


def state() -> tuple[object, ...]:
    """Everything that these acts change."""
    people = [(each.id, each.is_admin, each.is_disabled, each.team_names, [t.role for t in each.teams or []])
              for each in User.objects.order_by("pk")]  # fmt: skip
    projects = list(Package.objects.order_by("pk").managed().plain())
    return people, projects, list(Team.objects.order_by("pk").plain())


@pytest.mark.parametrize("endpoint", ASKED)
def test_act_asks_and_needs_a_recent_sign_in(app: Flask, endpoint: str) -> None:
    ada, form = world(app, is_admin=True), FORMS[endpoint]
    path, before = path_of(app, form), state()

    asked = page_of(ada.get(path))
    token = ada.token(path)
    long_ago(minutes=61)
    again, sent = ada.get(path), ada.post(path, data={"csrf_token": token} | form.fields)

    assert ASKED[endpoint] in asked.select("main")[0].get_text()
    assert len(asked.select("main form[method=post] button[type=submit]")) >= 1
    assert again.location.startswith(f"/account/confirm?next={path}")
    assert sent.location.startswith("/account/confirm")
    assert state() == before


@pytest.mark.parametrize("act", OF_ADMINISTRATORS)
def test_act_on_an_account_asks_and_needs_a_recent_sign_in(app: Flask, act: str) -> None:
    ada = world(app, is_admin=True)
    path = f"{FORMS['admin.change_user'].path.rpartition('/')[0]}/{act}"
    before, token = state(), ada.token(path)

    long_ago(minutes=61)
    again, sent = ada.get(path), ada.post(path, data={"csrf_token": token})

    assert again.location == f"/account/confirm?next={path}"
    assert sent.location.startswith("/account/confirm")
    assert state() == before


def test_owner_is_invited_only_after_a_recent_sign_in(app: Flask) -> None:
    ada, path = world(app), "/manage/shared/maintainers"
    token, before = ada.token(path), state()

    long_ago(minutes=61)
    sent = ada.post(path, data={"csrf_token": token, "email": "eve@example.org", "role": "owner"})

    assert sent.location == f"/account/confirm?next={path}"
    assert state() == before
