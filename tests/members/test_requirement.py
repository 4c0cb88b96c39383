"""REQUIRE_2FA."""

from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.exceptions import Forbidden

from config import BadConfig
from tests import factories
from tests.members.conftest import App, Clock
from tests.people import Browser, signed_in
from tests.publishing import uploads
from webapp.documents import Maintainer, User
from webapp.documents.base import utc_now
from webapp.documents.second_factor import SecondFactor
from webapp.members import requirement
from webapp.members.requirement import due_date, is_late, is_required_of, refuse_programs


@pytest.fixture
def ada(app: Flask) -> Browser:
    return signed_in(app)


@pytest.fixture(autouse=True)
def _grace(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "GRACE_2FA_DAYS", 14)


@pytest.mark.parametrize(
    ("asked", "required"),
    [("none", set()), ("admins", {"Grace"}), ("publishers", {"Grace", "Ada"}), ("all", {"Grace", "Ada", "Edsger"})],
)
def test_whom_it_asks(app: Flask, monkeypatch: pytest.MonkeyPatch, asked: str, required: set[str]) -> None:
    monkeypatch.setitem(app.config, "REQUIRE_2FA", asked)
    users = [factories.user("Grace", is_admin=True), factories.user("Ada"), factories.user("Edsger")]
    factories.package("Example", maintainers=[Maintainer(user_id=users[1].id)])

    assert {user.name for user in users if is_required_of(user)} == required


def test_days_of_grace_begin_when_it_is_first_asked_and_never_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    user = factories.user()

    due = due_date(user)
    monkeypatch.setitem(app.config, "GRACE_2FA_DAYS", 30)
    again = due_date(User.objects.get())

    assert due is not None
    assert again is not None
    assert timedelta(days=13, hours=23) < due - utc_now() <= timedelta(days=14)
    assert abs(again - due) < timedelta(milliseconds=1)  # MongoDB keeps milliseconds


def test_who_has_a_second_factor_or_needs_none_is_never_late(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    past = utc_now() - timedelta(seconds=1)
    late, protected = (
        factories.user(second_factor_due=past),
        factories.user(second_factor_due=past, second_factors=[SecondFactor(factor_id="1", kind="app")]),
    )

    assert (is_late(late), is_late(protected)) == (True, False)
    with pytest.raises(Forbidden, match="requires two-factor authentication"):
        refuse_programs(late)
    refuse_programs(protected)
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "none")
    assert not is_late(late)


def test_member_is_told_by_when(app: Flask, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")

    assert "Set it up by" in ada.get("/account/two-factor").text


def test_after_the_grace_pages_lead_there_and_tokens_stop(
    app: Flask, ada: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = uploads.token_of(User.objects.get(email="ada@example.org"))
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    assert ada.get("/account/tokens/").status_code == 200
    User.objects.update(second_factor_due=utc_now() - timedelta(seconds=1))

    assert ada.get("/account/tokens/").location == "/account/two-factor"
    assert "Set it up to go on" in ada.get("/account/two-factor").text
    wheel, name = uploads.wheel(), uploads.wheel_name()
    refused = uploads.upload(app.test_client(), secret, wheel, name)
    assert refused.status_code == 403
    assert "two-factor" in refused.text
    App(ada, clock)
    assert ada.get("/account/tokens/").status_code == 200
    assert uploads.upload(app.test_client(), secret, wheel, name).status_code == 200


@pytest.mark.parametrize("page", ["/manage/", "/admin/", "/admin/users", "/account/profile"])
def test_every_room_for_members_leads_there(app: Flask, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    admin = signed_in(app, "Grace Hopper", is_admin=True)
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "admins")
    assert admin.get(page).status_code == 200
    User.objects.update(second_factor_due=utc_now() - timedelta(seconds=1))

    assert admin.get(page).location == "/account/two-factor"
    assert admin.get("/projects/").status_code == 200


def test_site_for_members_leads_there_from_every_page(
    app: Flask, ada: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "READ_ACCESS", "members")
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    User.objects.update(second_factor_due=utc_now() - timedelta(seconds=1))

    assert ada.get("/projects/").location == "/account/two-factor"
    App(ada, clock)

    assert ada.get("/projects/").status_code == 200


def test_last_one_cannot_be_removed(app: Flask, ada: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    App(ada, clock)
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    factor_id = User.objects.get(email="ada@example.org").second_factors[0].factor_id

    answer = ada.press("/account/two-factor", f"/account/two-factor/{factor_id}/remove")

    assert answer.status_code == 409
    assert User.objects.get(email="ada@example.org").has_second_factor


def test_unknown_value_stops_the_start(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "everyone")

    with pytest.raises(BadConfig, match="REQUIRE_2FA is 'everyone'; it can be none, admins, publishers, all"):
        requirement.init_app(app)
