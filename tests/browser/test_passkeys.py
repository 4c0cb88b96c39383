"""Passkeys, with the authenticator that Chromium simulates."""

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visitor
from tests.people import PASSWORD, member
from webapp.documents import AuditEvent, User
from webapp.documents.second_factor import SecondFactor
from webapp.members import passkeys

pytestmark = [pytest.mark.browser, pytest.mark.real_server]

INTERNAL = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
PLAIN_KEY = {"protocol": "u2f", "transport": "usb"}


@pytest.fixture
def window(app: Flask, visitor: Visitor) -> Page:
    """A window on the site under its name, since passkeys do not work for addresses."""
    app.extensions["limiter"].storage.reset()
    app.extensions["mailman"].outbox = []
    visitor.address = visitor.address.replace("127.0.0.1", "localhost")
    return visitor.window()


def authenticator(page: Page, **options: Any) -> str:
    """Plug an authenticator in, whose user is present and verified."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    wanted = {"isUserVerified": True, "automaticPresenceSimulation": True} | options
    return str(devtools.send("WebAuthn.addVirtualAuthenticator", {"options": wanted})["authenticatorId"])


def sign_in(page: Page) -> None:
    page.goto("/account/login")
    page.get_by_label("Email address or username").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()


def add_passkey(page: Page, name: str) -> None:
    page.goto("/account/two-factor/passkey")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add").click()


def sign_out(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Account")).to_be_visible()


def ada_with_a_passkey(page: Page) -> None:
    """Sign Ada in, and let her add a passkey; her recovery codes are shown."""
    member()
    authenticator(page, **INTERNAL)
    sign_in(page)
    add_passkey(page, "laptop")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")


def test_passkey_signs_in_alone_and_as_the_second_step(window: Page) -> None:
    ada_with_a_passkey(window)
    assert len(window.locator("main pre").inner_text().split()) == 10
    sign_out(window)

    sign_in(window)
    expect(window.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    window.get_by_role("button", name="Use a passkey").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    sign_out(window)

    window.goto("/account/login?next=/account/two-factor")
    window.get_by_role("link", name="Use a passkey").click()
    window.get_by_role("button", name="Use a passkey").click()
    expect(window.get_by_role("heading", level=1)).to_have_text("Two-factor authentication")
    expect(window.get_by_role("main")).to_contain_text(re.compile("laptop passkey\n.*last used"))

    events = [event["description"] for event in AuditEvent.objects.of_kind("sign-in").plain()]
    assert events[:2] == [
        "Signed in with the passkey “laptop”.",
        "Signed in with a password and the passkey “laptop”.",
    ]
    [passkey] = User.objects.get(email="ada@example.org").second_factors
    assert passkey.sign_count == 3


def test_security_key_without_a_pin_is_a_second_step(window: Page) -> None:
    member()
    authenticator(window, **PLAIN_KEY)
    sign_in(window)
    add_passkey(window, "key ring")
    expect(window.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    sign_out(window)

    sign_in(window)
    window.get_by_role("button", name="Use a passkey").click()

    expect(window.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")


def test_same_device_is_not_added_twice(window: Page) -> None:
    ada_with_a_passkey(window)

    add_passkey(window, "again")

    expect(window.get_by_role("alert")).to_have_text("This device already has a passkey for your account.")


def test_passkey_of_somebody_else_is_no_second_step(app: Flask, visitor: Visitor, window: Page) -> None:
    member("Grace Hopper")
    ada_with_a_passkey(window)
    # The same answer that signs Ada in, sent in the middle of Grace's sign-in.
    sign_out(window)
    ada = User.objects.get(email="ada@example.org")
    theirs = SecondFactor(factor_id="another", kind="app", secret="A" * 32)
    User.objects(email="grace@example.org").update(second_factors=[theirs])
    window.goto("/account/login")
    window.get_by_label("Email address or username").fill("grace@example.org")
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    window.get_by_label("Code").wait_for()
    with app.test_request_context(base_url=visitor.address):
        question = passkeys.question_for(ada)
    credential = window.evaluate(
        """async question => JSON.stringify((await navigator.credentials.get({
             publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(question))})).toJSON())""",
        question,
    )
    visitor.expected.append("the server responded with a status of 400")

    window.evaluate(
        """credential => { const form = document.querySelector("main form");
             form.append(Object.assign(document.createElement("input"), { name: "credential", value: credential }));
             form.submit(); }""",
        credential,
    )

    expect(window.get_by_text("This passkey could not be verified.")).to_be_visible()
    window.goto("/account")
    expect(window.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_answer_works_once(app: Flask, visitor: Visitor, window: Page) -> None:
    ada_with_a_passkey(window)
    sign_out(window)
    window.goto("/account/login/passkey")
    with window.expect_request(lambda request: request.method == "POST") as sent:
        window.get_by_role("button", name="Use a passkey").click()
    credential = dict(sent.value.post_data_json or {})["credential"]
    expect(window.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    sign_out(window)

    window.goto("/account/login/passkey")
    token = window.locator("main input[name=csrf_token]").first.input_value()
    answer = window.request.post(
        "/account/login/passkey",
        form={"credential": credential, "csrf_token": token},
        headers={"Origin": visitor.address},
    )

    assert "This passkey could not be verified." in answer.text()


def test_browser_that_refuses_says_so(window: Page) -> None:
    member()
    authenticator(window, **INTERNAL | {"isUserVerified": False})
    window.goto("/account/login/passkey")

    window.get_by_role("button", name="Use a passkey").click()

    expect(window.get_by_role("alert")).to_have_text("No passkey was used. Try again, or choose another way.")


def test_site_without_a_name_explains(app: Flask, visitor: Visitor) -> None:
    member()
    page = visitor.window(PHONE)
    page.goto("/account/login")
    page.get_by_label("Email address or username").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()

    page.goto("/account/two-factor/passkey")

    expect(page.get_by_text("Browsers allow passkeys only for sites that have a name.")).to_be_visible()
