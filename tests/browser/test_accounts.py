"""A member's way through the site in a real browser, from registering to leaving."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, Request, expect

from tests import factories
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.people import ANOTHER, PASSWORD, member, outbox
from tests.publishing import uploads
from webapp.documents import Invitation, Maintainer, User
from webapp.documents.base import utc_now

pytestmark = [pytest.mark.browser, pytest.mark.real_server]

REFUSED = "the server responded with a status of 400"


@pytest.fixture(autouse=True)
def _nothing_counted(app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    # As `flask serve` tells its web processes; links in mails never follow the request's Host.
    monkeypatch.setitem(app.config, "LOOPBACK_URL", visitor.address)
    app.extensions["limiter"].storage.reset()
    app.extensions["mailman"].outbox = []


def link_in_last_mail(app: Flask, visitor: Visitor, to: str) -> str:
    [mail] = [mail for mail in outbox(app) if mail.to == [to]][-1:]
    [link] = re.findall(r"^http\S+$", mail.body, re.MULTILINE)
    assert link.startswith(visitor.address)
    return str(link)


def sign_in(page: Page, identifier: str, password: str) -> None:
    page.goto("/account/login")
    page.get_by_label("Email address or username").fill(identifier)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def register(page: Page) -> None:
    """Find the way from the first page, and register."""
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Account").click()
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Name", exact=True).fill("Augusta King")
    page.get_by_label("Email address").fill("augusta@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Register").click()


def walk(app: Flask, visitor: Visitor, page: Page) -> None:
    """Register, sign out, forget the password, get another, sign in, change the address, delete the account."""
    register(page)
    expect(page.get_by_role("status")).to_have_text("Welcome, Augusta King.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Augusta King")

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{visitor.address}/")

    page.goto("/account/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email address").fill("augusta@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")

    page.goto(link_in_last_mail(app, visitor, "augusta@example.org"))
    page.get_by_label("New password").fill(ANOTHER)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status")).to_have_text("Your password was changed. Sign in with the new one.")

    sign_in(page, "augusta@example.org", ANOTHER)
    expect(page.get_by_role("heading", level=1)).to_have_text("Augusta King")

    page.get_by_role("link", name="Change your email address").click()
    page.get_by_label("New email address").fill("countess@example.org")
    page.get_by_label("Password").fill(ANOTHER)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text("We sent a link to countess@example.org.")).to_be_visible()
    page.goto(link_in_last_mail(app, visitor, "countess@example.org"))
    page.get_by_role("button", name="Yes, use this address").click()
    expect(page.get_by_role("status")).to_have_text("Your address is now countess@example.org.")
    expect(page.get_by_role("main")).to_contain_text("countess@example.org")

    page.get_by_role("link", name="Delete your account").click()
    page.get_by_label("Password").fill(ANOTHER)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account was deleted")
    assert User.objects(name="Augusta King").count() == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_member_walks_from_registering_to_leaving(
    app: Flask, visitor: Visitor, size: tuple[int, int], *, scripts: bool
) -> None:
    page = visitor.window(size, java_script_enabled=scripts)

    walk(app, visitor, page)


def test_newcomer_with_a_phone_is_led_from_the_first_page_to_the_first_upload(app: Flask, visitor: Visitor) -> None:
    page = visitor.window(PHONE, permissions=["clipboard-read", "clipboard-write"])
    register(page)

    lead = page.get_by_role("link", name="Publish your first")
    expect(lead).to_be_in_viewport()  # nobody has to scroll for it
    lead.click()
    page.get_by_role("link", name="Create an API token").click()
    page.get_by_label("Token name").fill("laptop")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("button", name="Copy the token").click()
    secret = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy the command for uv").click()
    assert page.evaluate("navigator.clipboard.readText()") == f"uv publish --publish-url {visitor.address}/legacy/"
    answer = uploads.upload(app.test_client(), secret, uploads.wheel(), uploads.wheel_name())
    assert answer.status_code == 200, answer.text

    page.get_by_role("link", name="your projects").click()
    page.get_by_role("link", name="larder-probe").click()
    page.get_by_role("link", name="View project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("larder-probe 1.0")


def test_name_appears_on_public_pages_only_for_who_is_signed_in(visitor: Visitor) -> None:
    member("Grace Hopper", is_admin=True)
    anonymous, signed_in = visitor.window(), visitor.window()
    asked: list[str] = []
    anonymous.on("request", lambda request: note(asked, request))
    sign_in(signed_in, "grace@example.org", PASSWORD)

    signed_in.goto("/projects/")
    anonymous.goto("/projects/")
    anonymous.wait_for_load_state("networkidle")

    navigation = signed_in.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name="Your account, Grace Hopper")).to_have_attribute("href", "/account")
    expect(navigation.get_by_role("link", name="Admin")).to_have_attribute("href", "/admin/")
    expect(anonymous.get_by_role("navigation", name="Main").get_by_role("link", name="Account")).to_be_visible()
    assert asked
    assert [url for url in asked if "/account/nav" in url] == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_navigation_counts_open_invitations(visitor: Visitor, size: tuple[int, int]) -> None:
    ada, grace = member(), member("Grace Brewster Murray Hopper", email="grace@example.org", is_admin=True)
    for name in ("rocket", "engine"):
        invitation = Invitation(
            invitation_id=name,
            email="grace@example.org",
            email_folded="grace@example.org",
            user_id=grace.id,
            role="owner",
            invited_by=ada.id,
            expires_at=utc_now() + timedelta(days=1),
        )
        factories.package(name, maintainers=[Maintainer(user_id=ada.id, role="owner")], invitations=[invitation])
    page = visitor.window(size)
    sign_in(page, "grace@example.org", PASSWORD)

    page.goto("/projects/")

    link = page.get_by_role("link", name="Your account, Grace Brewster Murray Hopper 2 open invitations")
    count = link.get_by_text("2", exact=True)
    expect(count).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    link.click()
    expect(page.get_by_role("heading", name="Invitations (2)")).to_be_visible()


def test_navigation_says_that_there_are_more_invitations(visitor: Visitor) -> None:
    member("Grace Hopper", email="grace@example.org")
    page = visitor.window()
    sign_in(page, "grace@example.org", PASSWORD)
    told = {"name": "Grace Hopper", "address": "/account", "invitations": 50, "has_more_invitations": True}
    page.route("**/account/nav*", lambda route: route.fulfill(json=told))

    page.goto("/projects/")

    link = page.get_by_role("link", name="Your account, Grace Hopper 50+ open invitations")
    expect(link.get_by_text("50+", exact=True)).to_be_visible()


def note(asked: list[str], request: Request) -> None:
    asked.append(request.url)


def test_form_is_filled_in_and_sent_with_keys_alone(visitor: Visitor) -> None:
    member("Grace Hopper")
    page = visitor.window()
    page.goto("/account/login")

    expect(page.get_by_label("Email address or username")).to_be_focused()
    page.keyboard.type("grace@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Stay signed in")).to_be_checked()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")
    assert any(cookie.get("expires", -1) > 0 for cookie in page.context.cookies())


def test_what_is_wrong_is_read_out_with_its_field(visitor: Visitor) -> None:
    visitor.expected.append(REFUSED)
    page = visitor.window(PHONE)
    page.goto("/account/register")
    page.get_by_label("Name", exact=True).fill("Grace")
    page.get_by_label("Email address").fill("grace@")
    page.get_by_label("Password").fill("password")

    page.get_by_role("main").get_by_role("button", name="Register").click()

    expect(page.get_by_role("alert")).to_contain_text("Please correct the errors below.")
    field = page.get_by_label("Email address")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Enter a valid email address"))
    expect(field).to_have_value("grace@")
    expect(page.get_by_label("Password")).to_have_value("")


def test_form_that_became_stale_is_shown_again_and_then_works(visitor: Visitor) -> None:
    visitor.expected.append(REFUSED)
    member("Grace Hopper")
    page = visitor.window()
    page.goto("/account/login")
    page.context.clear_cookies()
    page.get_by_label("Email address or username").fill("grace@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This form expired")
    expect(page.get_by_label("Email address or username")).to_have_value("grace@example.org")

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_of_members_or_administrators_is_wider_than_its_window(visitor: Visitor, size: tuple[int, int]) -> None:
    visitor.expected.append("the server responded with a status of 4")
    grace = member("Grace " + "Hopper" * 15, email=f"{'grace' * 12}@example.org", is_admin=True)
    page = visitor.window(size)
    sign_in(page, grace.email, PASSWORD)
    paths = ["/account", "/account/profile", "/account/password", "/account/email", "/account/delete", "/projects/"]
    paths += ["/admin/", "/admin/users", f"/admin/users/{grace.id}", "/admin/packages/", "/admin/packages/example"]
    paths += ["/admin/pages", "/admin/pages/new", "/admin/pages/edit/company/history", "/admin/audit"]
    for path in paths:
        page.goto(path)
        page.wait_for_load_state("networkidle")

        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{path} is {width} wide"


def test_forms_say_while_one_types_what_they_would_object_to(visitor: Visitor) -> None:
    member("Grace Hopper", username="grace")
    page = visitor.window(PHONE)
    page.goto("/account/register")
    page.get_by_label("Password").fill("password1")
    expect(page.get_by_role("status")).to_contain_text("This password is too easy to guess.")
    page.get_by_label("Password").fill(PASSWORD)
    expect(page.get_by_role("status")).to_have_text("This password is hard to guess.")

    member()
    sign_in(page, "ada@example.org", PASSWORD)
    page.goto("/account/profile")
    page.get_by_label("Username").fill("Grace")
    expect(page.get_by_role("status")).to_have_text("Somebody else has this username.")
    page.goto("/account/tokens/new")
    page.locator("#project").fill("nothing")
    expect(page.get_by_role("status")).to_contain_text("There is no such project")
