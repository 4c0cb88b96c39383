"""Ways around the second step that are closed: at one moment, by guessing, with an old password, before it is due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from pymongo.errors import DuplicateKeyError

from tests import factories
from tests.accounts.every_form import FORMS, path_of, world
from tests.accounts.test_two_factor import ada, long_ago, second_step
from tests.members.conftest import STEP_S, App, Clock
from tests.people import PASSWORD, Browser, browser, errors, member, signed_in
from tests.soft_key import SoftKey
from webapp.documents import AuditEvent, Invitation, Maintainer, Package, User
from webapp.documents.base import utc_now
from webapp.members import passkeys, passwords, second_factors, sessions
from webapp.members.tokens import for_invitation

__all__ = ["ada"]  # a fixture


@pytest.mark.real_server
@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_code_sent_by_many_at_once_signs_one_in(app: Flask, ada: Browser, clock: Clock, kind: str) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    code = phone.code() if kind == "app" else phone.recovery_codes[0]
    people = [browser(app) for _ in range(4)]
    forms = []
    for each in people:
        each.sign_in("ada@example.org")
        forms.append(each.hidden_fields("/account/login/second-step") | {"code": code})
    start = Barrier(len(people))

    def send(number: int) -> int:
        start.wait(10)
        return people[number].post("/account/login/second-step", data=forms[number]).status_code

    with ThreadPoolExecutor(len(people)) as threads:
        codes = sorted(threads.map(send, range(len(people))))

    assert codes == [302, 400, 400, 400]
    assert sum(each.is_signed_in() for each in people) == 1


def test_signing_in_gives_no_new_tries_to_whoever_guesses(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    thief = browser(app)
    thief.sign_in("ada@example.org")
    for _ in range(4):
        assert second_step(thief, "abc").status_code == 400

    clock.now += STEP_S
    owner = browser(app)
    owner.sign_in("ada@example.org")
    second_step(owner, phone.code())

    assert owner.is_signed_in()
    assert [second_step(thief, "abc").status_code for _ in range(2)] == [400, 429]


def test_confirming_shares_the_tries_and_is_recorded(app: Flask, ada: Browser, clock: Clock) -> None:
    App(ada, clock)
    long_ago()

    codes = [ada.send("/account/confirm", password=PASSWORD, code="abc").status_code for _ in range(6)]

    assert codes == [400] * 5 + [429]
    failed = [event["description"] for event in AuditEvent.objects.of_kind("sign-in failed").plain()]
    assert failed == ["Failed to confirm who they are."] * 5
    other = browser(app)
    other.sign_in("ada@example.org")
    assert second_step(other, "abc").status_code == 429


def test_reset_by_an_administrator_gives_new_tries(app: Flask, ada: Browser, clock: Clock) -> None:
    App(ada, clock)
    thief = browser(app)
    thief.sign_in("ada@example.org")
    for _ in range(6):
        second_step(thief, "abc")

    app.test_cli_runner().invoke(args=["users", "reset-2fa", "ada@example.org"])
    ada.sign_in("ada@example.org")
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)
    other.sign_in("ada@example.org")
    second_step(other, phone.code())

    assert other.is_signed_in()


def test_sign_in_under_way_ends_with_a_new_password(app: Flask) -> None:
    user = member()
    User.objects(pk=user.id).update(hashed_password=passwords.hash_password("nanoseconds matter, admiral"))

    with app.test_request_context(), pytest.raises(sessions.PasswordChanged):
        sessions.begin(user, remember=False, where={})

    assert not User.objects.get().sessions


def test_password_changed_while_it_is_checked_signs_nobody_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    user, check = member(), passwords.check

    def slow_check(stored: str | None, password: str) -> passwords.Checked:
        checked = check(stored, password)
        User.objects(pk=user.id).update(hashed_password="another", sessions=[])
        return checked

    monkeypatch.setattr("webapp.members.passwords.check", slow_check)
    thief = browser(app)

    answer = thief.sign_in("ada@example.org")

    assert answer.status_code == 409
    assert "Your password was just changed." in answer.text
    assert not thief.is_signed_in()


def test_outdated_hash_is_replaced_between_the_steps(
    app: Flask, ada: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    check = passwords.check
    renewed = passwords.hash_password(PASSWORD)
    monkeypatch.setattr("webapp.members.passwords.check", lambda *told: check(*told)._replace(new_hash=renewed))
    other = browser(app)
    other.sign_in("ada@example.org")

    second_step(other, phone.code())

    assert other.is_signed_in()


def test_one_passkey_added_twice_does_not_count_as_two(app: Flask) -> None:
    user, key = member(), SoftKey()
    with app.test_request_context():
        made = [passkeys.made(user, key.added(passkeys.question_for_new(user)), name) for name in ("first", "again")]
        assert made[0] is not None
        assert made[1] is not None
        second_factors.add(user, made[0])

        with pytest.raises(DuplicateKeyError):
            second_factors.add(user, made[1])

    stored = User.objects.get()
    assert [each.name for each in stored.second_factors] == ["first"]
    with app.test_request_context():
        assert second_factors.remove(stored, made[0].factor_id, keep_one=True) is False


def test_cookie_from_before_the_sign_in_is_worth_nothing_afterwards(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)
    other.sign_in("ada@example.org")
    before = other.get_cookie("session")
    assert before is not None
    second_step(other, phone.code())
    thief = browser(app)
    thief.set_cookie("session", before.value)

    assert not thief.is_signed_in()
    assert errors(second_step(thief, phone.code()))["code"].startswith("This code is not valid.")


@pytest.mark.parametrize(
    "page", ["/account", "/account/tokens/new", "/account/two-factor", "/manage/", "/account/email"]
)
def test_pages_of_members_are_closed_between_the_steps(app: Flask, ada: Browser, clock: Clock, page: str) -> None:
    App(ada, clock)
    other = browser(app)
    other.sign_in("ada@example.org", remember="y")

    assert other.get(page).location == f"/account/login?next={page}"
    assert other.name_in_navigation() is None


def test_member_who_is_late_accepts_no_invitation(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    late = signed_in(app)
    grace = member("Grace Hopper")
    owner = Maintainer(user_id=grace.id, name="Grace", role="owner")
    tomorrow = utc_now() + timedelta(days=1)
    sent = Invitation(invitation_id="first", email="ada@example.org", invited_by=grace.id, expires_at=tomorrow)
    package = factories.package("Example", maintainers=[owner], invitations=[sent])
    with app.test_request_context():
        link = f"/account/invitations/{for_invitation(package.pk, 'first')}"
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    User.objects.update(second_factor_due=utc_now() - timedelta(seconds=1))

    assert late.send(link).location == "/account/two-factor"
    assert len(Package.objects.get().maintainers) == 1


# Forms that are open to members who are late: they concern nobody's projects, or need a link from a mail.
OPEN = {
    "accounts.register",
    "accounts.finish_registration",
    "accounts.login",
    "accounts.forgotten",
    "accounts.reset",
    "accounts.confirm_email",
    "accounts.confirm_identity",
    "accounts.logout",
}


def test_every_other_form_leads_a_late_member_to_setting_it_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    late = world(app, is_admin=True)
    late_since = {"second_factor_due": utc_now() - timedelta(seconds=1)}
    User.objects.raw().update_many({}, {"$set": late_since, "$unset": {"second_factors": ""}})
    monkeypatch.setitem(app.config, "REQUIRE_2FA", "all")
    token = late.token("/account/two-factor/app")

    for endpoint in sorted(FORMS.keys() - OPEN):
        answer = late.post(path_of(app, FORMS[endpoint]), data=FORMS[endpoint].fields | {"csrf_token": token})

        assert answer.location == "/account/two-factor", endpoint
