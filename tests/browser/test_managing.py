"""A member's way through managing a project in a real browser, with keys alone."""

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.test_accounts import sign_in
from tests.people import PASSWORD, member
from tests.publishing import uploads
from webapp.documents import JournalEntry, Package, StoredFile

pytestmark = [pytest.mark.browser, pytest.mark.real_server]


@pytest.fixture(autouse=True)
def _published(app: Flask, address: str) -> None:
    app.extensions["limiter"].storage.reset()
    secret = uploads.token_of(member("Grace Hopper"))
    for version in ("1.0", "2.0"):
        name = uploads.wheel_name(version=version)
        answer = uploads.upload(app.test_client(), secret, uploads.wheel(version=version), name)
        assert answer.status_code == 200


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {wanted}")


def follow(page: Page, name: str) -> None:
    """Go to a link or button in the page's main part, and press Enter."""
    main = page.get_by_role("main")
    reach(page, main.get_by_role("link", name=name, exact=True).or_(main.get_by_role("button", name=name, exact=True)))
    page.keyboard.press("Enter")


def fill_in(page: Page, label: str, text: str) -> None:
    reach(page, page.get_by_label(label))
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_release_is_yanked_offered_again_and_deleted_with_keys_alone(visitor: Visitor) -> None:
    visitor.expected.append("the server responded with a status of 404")
    page = visitor.window()
    status = page.get_by_role("status")
    sign_in(page, "grace@example.org", PASSWORD)

    follow(page, "Your projects")
    follow(page, "larder-probe 2.0")
    follow(page, "2.0")
    follow(page, "Yank")
    fill_in(page, "Reason", "It loses data")
    expect(status).to_have_text("larder-probe 2.0 was yanked.")
    follow(page, "View release")
    expect(page.get_by_role("note").first).to_contain_text("Reason given: It loses data")
    page.go_back()

    follow(page, "Unyank")
    expect(status).to_have_text("larder-probe 2.0 was unyanked.")
    follow(page, "Delete")
    fill_in(page, "Confirmation", "larder-probe 2.0")
    expect(status).to_have_text("larder-probe 2.0 was deleted.")
    expect(page.locator(".history-version")).to_have_text(["1.0"])

    # Another browser: this one may show for ten seconds what it has kept.
    answer = visitor.window().goto("/project/larder-probe/2.0/")
    assert answer is not None
    assert answer.status == 404
    assert [entry.action for entry in JournalEntry.objects.order_by("-pk")][:3] == [
        "remove release",
        "unyank release",
        "yank release",
    ]
    assert StoredFile.objects.get(pk=uploads.wheel_name(version="2.0")).state == "deleted"


def test_way_to_managing_is_shown_to_who_looks_after_the_project_alone(visitor: Visitor) -> None:
    member("Eve")
    windows = {name: visitor.window() for name in ("grace", "eve")}
    for name, window in windows.items():
        sign_in(window, f"{name}@example.org", PASSWORD)
        window.goto("/project/larder-probe/")
        expect(window.get_by_role("link", name="Your account")).to_be_visible()

    way = {name: window.get_by_role("link", name="Manage this project") for name, window in windows.items()}
    expect(way["grace"]).to_be_visible()
    expect(way["eve"]).not_to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_of_managing_is_wider_than_its_window(visitor: Visitor, size: tuple[int, int]) -> None:
    invitation = {"invitation_id": "x", "email": f"{'grace' * 12}@example.org", "role": "owner"}
    maintainer = Package.objects.get(pk="larder-probe").maintainers[0]
    package = Package._get_collection()
    change = {"maintainers.0.name": "Grace" + "Hopper" * 15, "releases.0.yanked_reason": "x" * 300}
    package.update_one({"_id": "larder-probe"}, {"$set": change | {"releases.0.yanked": True}})
    late = JournalEntry.objects.first().at.replace(year=2999)
    invitation |= {"invited_by": maintainer.user_id, "expires_at": late}
    package.update_one({"_id": "larder-probe"}, {"$set": {"invitations": [invitation]}})
    page = visitor.window(size)
    sign_in(page, "grace@example.org", PASSWORD)
    file = f"delete-file/{uploads.wheel_name()}/of/1.0"
    for path in (
        "",
        "release/2.0",
        "yank/1.0",
        "delete-release/1.0",
        file,
        "maintainers",
        "settings",
        "history",
        "delete",
    ):
        page.goto(f"/manage/larder-probe/{path}")

        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{path} is {width} wide"
