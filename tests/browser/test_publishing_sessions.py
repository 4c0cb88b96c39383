"""Two owners' way through a publishing session in a real browser, and how its pages look on the way."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.test_accessibility import LOOK, RULES
from tests.browser.test_accounts import sign_in
from tests.people import PASSWORD, member
from tests.publishing import uploads
from tests.publishing.staging import add, opened
from tests.publishing.test_file_uploads import client_of
from tests.publishing.upload_client import Refused
from tests.publishing.uploads import metadata, sdist, sdist_name, wheel, wheel_name
from webapp.documents import Maintainer, Package
from webapp.documents.package import OWNER

pytestmark = [pytest.mark.browser, pytest.mark.real_server]

OTHER_WHEEL = "larder_probe-2.0-cp314-cp314-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
REVIEWED = "Need another owner to publish them"
Look = Callable[[Page, str], None]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.extensions["limiter"].storage.reset()
    return app.test_client()


@pytest.fixture
def secret(address: str, client: FlaskClient) -> str:
    """The token of Grace, who has published larder-probe 1.0, and has another owner beside her."""
    secret = uploads.token_of(member("Grace Hopper"))
    text = metadata("larder-probe", "1.0", "Summary: Old", "Requires-Dist: click>=7", description="# One\n\nThe same")
    for content, name in ((wheel(text=text), wheel_name()), (sdist(), sdist_name())):
        assert uploads.upload(client, secret, content, name).status_code == 200
    ada = member("Ada Lovelace", email="ada.lovelace@example.org")
    package = Package.objects.get(pk="larder-probe")
    package.maintainers = [*package.maintainers, Maintainer(user_id=ada.id, name="Ada Lovelace", role=OWNER)]
    package.store()
    return secret


@pytest.fixture
def look(axe: str) -> Look:
    """Look at a page on a phone and a large screen, in light and dark."""

    def look(page: Page, name: str) -> None:
        found = {}
        page.evaluate(axe)
        for size in (PHONE, DESKTOP):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                seen = page.evaluate(LOOK, RULES)
                width = page.evaluate("document.documentElement.scrollWidth")
                if seen or width > size[0]:
                    found[f"{name} {size[0]} {scheme}"] = (width, seen)
        assert found == {}

    return look


def test_release_is_reviewed_and_published_by_another_owner(
    visitor: Visitor, client: FlaskClient, secret: str, look: Look
) -> None:
    visitor.expected.append("409 (CONFLICT)")
    grace, ada = visitor.window(), visitor.window()
    sign_in(grace, "grace@example.org", PASSWORD)
    expect(grace.get_by_role("heading", level=1)).to_have_text("Grace Hopper")
    grace.goto("/manage/larder-probe/settings")
    grace.get_by_role("link", name="Change how it is released").click()
    grace.get_by_label("New files").select_option(REVIEWED)
    look(grace, "rule")
    grace.get_by_role("button", name="Save").click()
    expect(grace.get_by_role("status")).to_have_text(
        "From now on, new files come through publishing sessions only, published by an owner other than the uploader."
    )

    grace.goto("/manage/larder-probe/sessions/")
    look(grace, "no-sessions")
    grace.get_by_label("Version").fill("2.0")
    grace.get_by_role("button", name="Open", exact=True).click()
    expect(grace.get_by_role("main")).to_contain_text("There are no files yet.")
    look(grace, "empty")
    session = {"links": {"legacy": f"http://localhost/legacy/sessions/{grace.url.rsplit('/', 1)[1]}/"}}
    lines = ("Summary: " + "new-" * 30, "Requires-Dist: click>=8", "Requires-Dist: flask")
    text = metadata("larder-probe", "2.0", *lines, description="# Two\n\nThe same\n\n" + "unbroken" * 20)
    assert add(client, secret, session, wheel(version="2.0", text=text), OTHER_WHEEL).status_code == 200
    text = metadata("larder-probe", "2.0", "Requires-Dist: click>=9").replace("2.1", "2.0")
    odd_one = wheel(version="2.0", text=text, extra={"large.py": "#" * 9000})
    assert add(client, secret, session, odd_one, wheel_name(version="2.0")).status_code == 200
    grace.reload()
    expect(grace.get_by_role("main")).to_contain_text("Grace Hopper uploaded some of them.")
    expect(grace.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    look(grace, "uploader")

    sign_in(ada, "ada.lovelace@example.org", PASSWORD)
    expect(ada.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    ada.goto("/manage/larder-probe/sessions/")
    look(ada, "sessions")
    ada.get_by_role("main").get_by_role("link", name="2.0", exact=True).click()
    odd = ada.locator("section", has=ada.get_by_role("heading", name="Worth a look"))
    expect(odd).to_contain_text("There is no source distribution.")
    assert add(client, secret, session, sdist(version="2.0"), sdist_name(version="2.0")).status_code == 200
    ada.get_by_role("button", name="Publish", exact=True).click()

    expect(ada.get_by_role("alert")).to_contain_text("The files of this session changed since you saw them.")
    expect(ada.locator(".admin-nav [aria-current]")).to_have_text("Sessions")
    expect(ada.locator(".file-name")).to_have_text([OTHER_WHEEL, wheel_name(version="2.0"), sdist_name(version="2.0")])
    expect(odd).not_to_contain_text("There is no source distribution.")
    assert Package.objects.get(pk="larder-probe").release_count == 1
    look(ada, "changed")
    ada.get_by_role("button", name="Publish", exact=True).click()
    expect(ada.get_by_role("status")).to_have_text("larder-probe 2.0 was published.")
    expect(ada.locator(".history-row")).to_contain_text("published")
    ada.get_by_role("main").get_by_role("link", name="2.0", exact=True).click()
    expect(ada.get_by_role("main")).to_contain_text("by Ada Lovelace.")
    look(ada, "published")


def test_files_that_did_not_arrive_or_pass_are_shown_with_the_reason(
    visitor: Visitor, client: FlaskClient, secret: str, look: Look
) -> None:
    session = opened(client, secret, version="2.0")
    draft = client_of(client, secret, session)
    draft.announce(OTHER_WHEEL, wheel(version="2.0"))
    broken = draft.announce(sdist_name(version="2.0"), b"broken")
    draft.send_bytes(broken, b"broken")
    with pytest.raises(Refused, match="cannot be opened"):
        draft.complete(broken)
    page = visitor.window()
    sign_in(page, "grace@example.org", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")

    page.goto("/manage/larder-probe/sessions/")
    page.get_by_role("main").get_by_role("link", name="2.0", exact=True).click()

    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("It can be published once each of its files is complete.")
    expect(page.locator(".file .mark")).to_have_text(["not complete", "refused"])
    look(page, "unfinished")
