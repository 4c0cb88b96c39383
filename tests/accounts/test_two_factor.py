"""Two-factor authentication with an authenticator app, as a real TOTP library shows its codes."""

import re
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from tests import factories
from tests.members.conftest import STEP_S, App, Clock
from tests.people import PASSWORD, Browser, browser, errors, outbox, signed_in
from webapp.documents import AuditEvent, Maintainer, Package, User
from webapp.documents.base import utc_now
from webapp.members.tokens import for_reset


def second_step(someone: Browser, code: str) -> Any:
    return someone.send("/account/login/second-step", code=code)


@pytest.fixture
def ada(app: Flask) -> Browser:
    return signed_in(app)


def test_app_is_asked_for_at_the_next_sign_in(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)

    halfway = other.sign_in("ada@example.org", next="/account/tokens/")
    assert halfway.location == "/account/login/second-step?next=/account/tokens/"
    assert not other.is_signed_in()
    wrong = second_step(other, "000000" if phone.code() != "000000" else "111111")
    assert errors(wrong)["code"].startswith("This code is not valid.")
    assert not other.is_signed_in()
    done = other.send(halfway.location, code=f" {phone.code()[:3]} {phone.code()[3:]} ")

    assert done.location == "/account/tokens/"
    assert other.is_signed_in()
    last = AuditEvent.objects.newest().limit(1).plain()[0]
    assert last["description"] == "Signed in with a password and the authenticator app “phone”."


def test_page_of_an_account_with_an_app(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    assert len(phone.recovery_codes) == 10
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", each) for each in phone.recovery_codes)

    page = ada.get("/account/two-factor").text

    assert "phone" in page
    assert "10 left" in page
    stored = User.objects.get(email="ada@example.org").to_mongo()
    assert not [each for each in phone.recovery_codes if each in str(stored)]
    assert [mail.subject for mail in outbox(app)] == ["The authenticator app “phone” was added · Larder"]


def test_code_works_once(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    first, second = browser(app), browser(app)
    clock.now += STEP_S

    for each in (first, second):
        each.sign_in("ada@example.org")
        second_step(each, phone.code())

    assert first.is_signed_in()
    assert not second.is_signed_in()


def test_code_that_set_the_app_up_does_not_sign_in(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    other = browser(app)
    other.sign_in("ada@example.org")

    second_step(other, phone.code())

    assert not other.is_signed_in()


def test_app_with_a_wrong_code_is_not_added(ada: Browser, clock: Clock) -> None:
    answer = ada.send("/account/two-factor/app", name="phone", code="12345")

    assert errors(answer)["code"].startswith("This is not the code that your app shows")
    assert "Your password alone signs you in." in ada.get("/account/two-factor").text


def test_recovery_code_works_once_and_is_counted_down(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    code = phone.recovery_codes[3]
    first, second = browser(app), browser(app)

    for each in (first, second):
        each.sign_in("ada@example.org")
        second_step(each, code.upper().replace("-", " "))

    assert "You have 9 recovery codes left." in first.get("/account").text
    assert first.is_signed_in()
    assert not second.is_signed_in()
    assert outbox(app)[-1].subject == "A recovery code was used · Larder"


def test_new_recovery_codes_replace_the_old_ones(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)

    shown = ada.press("/account/two-factor", "/account/two-factor/codes").text

    new = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", BeautifulSoup(shown, "html.parser").get_text(" "))
    for code, works in ((phone.recovery_codes[0], False), (new[0], True)):
        other = browser(app)
        other.sign_in("ada@example.org")
        second_step(other, code)
        assert other.is_signed_in() is works


def test_second_step_needs_the_first(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)

    answer = other.post("/account/login/second-step", data={"code": phone.code(), "csrf_token": other.token()})

    assert answer.location == "/account/login"
    assert not other.is_signed_in()


def test_second_step_ends_with_a_new_password(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)
    other.sign_in("ada@example.org")
    fields = other.hidden_fields("/account/login/second-step")
    User.objects(email="ada@example.org").update(hashed_password="another")

    other.post("/account/login/second-step", data=fields | {"code": phone.code()})

    assert not other.is_signed_in()


def test_second_step_takes_five_minutes_at_most(
    app: Flask, ada: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    App(ada, clock)
    other = browser(app)
    other.sign_in("ada@example.org")
    monkeypatch.setattr("webapp.members.tokens.SECOND_STEP_AGE_S", -1)

    answer = other.get("/account/login/second-step?next=/account/tokens/")

    assert answer.location == "/account/login?next=/account/tokens/"


def test_tries_are_counted_for_each_account(app: Flask, ada: Browser, clock: Clock) -> None:
    phone = App(ada, clock)
    clock.now += STEP_S
    other = browser(app)
    other.sign_in("ada@example.org")
    for _ in range(5):
        second_step(other, "abc")

    refused = second_step(other, phone.code())

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 300
    assert not other.is_signed_in()


def test_member_can_have_several_and_remove_them(app: Flask, ada: Browser, clock: Clock) -> None:
    first = App(ada, clock, "phone")
    second = App(ada, clock, "tablet")
    assert second.answer.location == "/account/two-factor"
    assert second.recovery_codes == []
    ids = {each.name: each.factor_id for each in User.objects.get(email="ada@example.org").second_factors}
    clock.now += STEP_S

    ada.press("/account/two-factor", f"/account/two-factor/{ids['phone']}/remove")

    other = browser(app)
    other.sign_in("ada@example.org")
    second_step(other, first.code())
    assert not other.is_signed_in()
    second_step(other, second.code())
    assert other.is_signed_in()
    ada.press("/account/two-factor", f"/account/two-factor/{ids['tablet']}/remove")
    stored = User.objects.get(email="ada@example.org").to_mongo()
    assert not stored.keys() & {"second_factors", "recovery_codes"}
    assert browser(app).sign_in("ada@example.org").location == "/account"


def test_eleventh_is_refused(ada: Browser, clock: Clock) -> None:
    for number in range(10):
        App(ada, clock, str(number))

    answer = App(ada, clock, "one more").answer

    assert errors(answer)["name"].startswith("You can have at most 10.")
    assert len(User.objects.get(email="ada@example.org").second_factors) == 10


def test_reset_by_mail_keeps_the_second_factor(app: Flask, ada: Browser, clock: Clock) -> None:
    App(ada, clock)
    user = User.objects.get(email="ada@example.org")
    with app.test_request_context():
        token = for_reset(user)

    browser(app).send(f"/account/reset/{token}", password="nanoseconds matter, admiral")

    other = browser(app)
    assert other.sign_in("ada@example.org", "nanoseconds matter, admiral").location == "/account/login/second-step"


def test_disabled_account_with_an_app_does_not_reach_the_second_step(app: Flask, ada: Browser, clock: Clock) -> None:
    App(ada, clock)
    User.objects(email="ada@example.org").update(is_disabled=True)

    answer = browser(app).sign_in("ada@example.org")

    assert errors(answer)["email"] == "An administrator has disabled this account."


def long_ago(someone: str = "ada@example.org", minutes: int = 31) -> None:
    """Let everything that this member confirmed have happened some time ago."""
    past = utc_now() - timedelta(minutes=minutes)
    user = User.objects.get(email=someone)
    for each in user.sessions:
        each.created_date = each.confirmed_at = past
    user.save()


class TestConfirming:
    """After thirty minutes, dangerous pages ask for the second factor again."""

    @pytest.mark.parametrize(
        "page", ["/account/password", "/account/email", "/account/delete", "/account/tokens/new", "/account/two-factor"]
    )
    # A day ahead, too: of a time when the clock of the site was wrong.
    @pytest.mark.parametrize("minutes_ago", [31, -24 * 60])
    def test_page_asks_first_and_leads_back(self, ada: Browser, clock: Clock, page: str, minutes_ago: int) -> None:
        phone = App(ada, clock)
        clock.now += STEP_S
        long_ago(minutes=minutes_ago)

        assert ada.get(page).location == f"/account/confirm?next={page}"
        confirmed = ada.send(f"/account/confirm?next={page}", password=PASSWORD, code=phone.code())

        assert confirmed.location == page
        assert ada.get(page).status_code == 200

    @pytest.mark.parametrize(("password", "code"), [(PASSWORD, ""), ("wrong", None), (PASSWORD, "123")])
    def test_both_are_needed(self, ada: Browser, clock: Clock, password: str, code: str | None) -> None:
        phone = App(ada, clock)
        clock.now += STEP_S
        long_ago()

        answer = ada.send("/account/confirm", password=password, code=phone.code() if code is None else code)

        assert answer.status_code == 400
        assert ada.get("/account/two-factor").status_code == 302

    def test_form_opened_in_time_may_be_sent_later(self, ada: Browser, clock: Clock) -> None:
        App(ada, clock)
        fields = ada.hidden_fields("/account/tokens/new")
        long_ago()
        typed = {"name": "laptop", "project": "", "purpose": "upload", "lifetime": "90", "password": PASSWORD}

        assert ada.post("/account/tokens/new", data=fields | typed).status_code == 200
        long_ago(minutes=61)
        assert ada.post("/account/tokens/new", data=fields | typed).location == "/account/confirm"

    def test_deleting_a_project_asks_first(self, ada: Browser, clock: Clock) -> None:
        owner = Maintainer(user_id=User.objects.get(email="ada@example.org").id, role="owner")
        factories.package("Example", maintainers=[owner])
        phone = App(ada, clock)
        clock.now += STEP_S
        page = "/manage/example/delete"
        fields = ada.hidden_fields(page)
        long_ago(minutes=61)

        assert ada.get(page).location == f"/account/confirm?next={page}"
        assert ada.post(page, data=fields | {"typed": "Example"}).location == "/account/confirm"
        assert Package.objects.count() == 1
        ada.send(f"/account/confirm?next={page}", password=PASSWORD, code=phone.code())
        ada.send(page, typed="Example")

        assert Package.objects.count() == 0

    def test_member_without_a_second_factor_confirms_with_the_password(self, ada: Browser) -> None:
        long_ago()

        assert ada.get("/account/two-factor/app").location == "/account/confirm?next=/account/two-factor/app"
        ada.send("/account/confirm", password=PASSWORD)

        assert ada.get("/account/two-factor/app").status_code == 200
        assert ada.get("/account/password").status_code == 200


def test_reset_by_an_administrator(app: Flask, ada: Browser, clock: Clock) -> None:
    App(ada, clock)
    run = app.test_cli_runner()

    assert run.invoke(args=["users", "list"]).output.rstrip().endswith("two-factor")
    done = run.invoke(args=["users", "reset-2fa", "ada@example.org"])

    assert (done.exit_code, done.output) == (0, "Ada Lovelace now signs in with a password only.\n")
    assert not ada.is_signed_in()
    assert browser(app).sign_in("ada@example.org").location == "/account"
    assert outbox(app)[-1].subject == "Two-factor authentication was reset by an administrator · Larder"
    again = run.invoke(args=["users", "reset-2fa", "ada@example.org"])
    assert again.output == "Ada Lovelace has no second factor.\n"
