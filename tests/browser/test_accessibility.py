"""Every kind of page before axe-core, which knows the rules of WCAG 2.2 that a program can check, in light and dark.

What axe cannot see is below: what is announced, what a keyboard reaches, borders, forced colours, and paper.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests import factories
from tests.accounts.every_form import FORMS, SESSION, path_of, world
from tests.browser.conftest import DESKTOP, PHONE, TABLET, Visitor
from tests.browser.test_browser import OVERFLOW, PAGES
from tests.live import live
from tests.local_http import Answer, served
from tests.members.test_forms import BUTTONS
from tests.people import member
from tests.publishing import uploads
from tests.rules.test_images import SVG
from webapp.documents import Team
from webapp.upstream.images import Images

pytestmark = [pytest.mark.browser, pytest.mark.real_server]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Folds are open, or axe would not see what is in them.
LOOK = """async (rules) => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const found = await axe.run({ runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] });
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}"""

# Words, addresses, days and times that stand in two lines. Only longer ones, such as digests, may be broken.
BROKEN = r"""() => {
  const kinds = [
    "(?<!\\w)[a-z]{2,9}@example\\.org",
    "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC",
    "\\d{1,2} [A-Z][a-z]{2} \\d{4}",
    "(?<![\\w.@-])[A-Za-z0-9.]{2,15}(?![\\w.@-])",
  ];
  const whole = new RegExp(kinds.join("|"), "g");
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { data, parentElement: parent } = walker.currentNode;
    if (!parent.checkVisibility() || parent.closest("pre, code, svg, option, .pane-title, .visually-hidden")) continue;
    for (const { 0: word, index } of data.matchAll(whole)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) found.push(`broken: ${word}`);
    }
  }
  return found;
}"""

READERS = [
    *PAGES,
    "/help/api",
    "/used-by/click/",
    "/dependencies/example/",
    "/project/example/compare/1.68...1.69",
    "/project/exampel/",
    "/account/login",
]
READERS += [
    "/account/login/passkey",
    "/account/register",
    "/account/forgotten",
    "/language/python-3/",
    "/projects/?starts=zzz",
]
MEMBERS = [
    "/account",
    "/account/tokens/",
    "/account/two-factor",
    "/account/two-factor/app",
    "/account/two-factor/passkey",
]
MEMBERS += [
    "/manage/",
    "/manage/shared/",
    "/manage/shared/release/1.0",
    "/manage/shared/history",
    "/manage/shared/settings",
    "/manage/shared/release-rule",
    "/manage/shared/publishers",
    "/manage/shared/tokens",
    "/account/publishers/",
    "/teams/staff/tokens",
]
MEMBERS += ["/admin/", "/admin/users", "/admin/users?q=nobody", "/admin/packages/", "/admin/packages/?name=none"]
MEMBERS += [
    f"/manage/shared/sessions/{SESSION}",
    "/teams/",
    "/teams/staff/",
    "/teams/staff/invite",
    "/teams/staff/projects",
    "/admin/pages",
    "/admin/audit",
    f"/admin/users/{'6' * 24}",
    f"/user/{'6' * 24}/",
]
INSIDE = f"/inside/larder-probe/{uploads.wheel_name()}/"
MEMBERS += [INSIDE, f"{INSIDE}?path=larder_probe-1.0.dist-info/METADATA"]
# Programs read these, or another step must come first.
NO_PAGES = {
    "accounts.navigation",
    "accounts.second_step",
    "accounts.oidc_start",
    "accounts.oidc_confirm",
    "accounts.oidc_callback",
    "accounts.oidc_connect",
    "accounts.oidc_disconnect",
    "advisories.feed",
    "advisories.project_feed",
    "advisories.vuln",
}
NO_PAGES |= {
    "admin.export_audit_log",
    "advisories.query",
    "advisories.query_batch",
    "packages.legacy_address",
    "search.suggest",
}
ROOMS = {
    "accounts",
    "admin",
    "advisories",
    "dependencies",
    "home",
    "inside",
    "manage",
    "packages",
    "pages",
    "search",
    "stats",
    "teams",
}


def violations(page: Page, axe: str, paths: list[str]) -> dict[str, list[str]]:
    """What axe finds on each of these pages: on a phone in one theme, and on a large screen in the other.

    Words that are broken stand there, too.
    """
    found = {}
    for number, path in enumerate(paths):
        page.goto(path)
        page.evaluate(axe)
        page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
        if seen := page.evaluate(BROKEN):
            found[f"{path} {TABLET[0]}"] = seen
        for size, is_dark in ((PHONE, number % 2), (DESKTOP, not number % 2)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme="dark" if is_dark else "light", reduced_motion="reduce")  # no fading
            if seen := page.evaluate(LOOK, RULES) + page.evaluate(BROKEN):
                found[f"{path} {size[0]} {'dark' if is_dark else 'light'}"] = seen
    return found


def test_axe_finds_nothing_on_the_pages_of_readers(visitor: Visitor, axe: str) -> None:
    visitor.expected.append("404 (NOT FOUND)")

    assert violations(visitor.window(), axe, READERS) == {}


PICTURED = """<p align="center"><img src="{host}/logo.svg" alt="Logo" width="300"></p>

[![Build]({host}/build.svg)](https://example.org) ![Coverage]({host}/none.svg) [![]({host}/none.png)](https://example.org)

# Pictured

![How it works]({host}/wide.svg)

| Before | After |
|---|---|
| ![]({host}/logo.svg) | ![]({host}/none.gif) |
"""


@pytest.fixture
def pictured(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a project with a logo, badges and a diagram, and with images that cannot be had."""
    monkeypatch.setitem(app.extensions, "images", Images(1_000_000, allows_private=lambda: True))
    wide = SVG.replace(b'width="9"', b'width="2000"')
    images = {"/logo.svg": Answer(body=SVG), "/build.svg": Answer(body=SVG), "/wide.svg": Answer(body=wide)}
    with served(images) as host:
        description = PICTURED.format(host=host)
        factories.package("Pictured", description=description, description_content_type="text/markdown")
        yield "/project/pictured/"


@pytest.mark.parametrize("setting", ["off", "proxy"])
def test_axe_finds_nothing_on_pages_with_images(
    app: Flask, monkeypatch: pytest.MonkeyPatch, visitor: Visitor, pictured: str, axe: str, setting: str
) -> None:
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", setting)
    visitor.expected.append("404 (NOT FOUND)")

    # Twice, because each round shows every size in one of the themes.
    assert violations(visitor.window(), axe, [pictured, f"{pictured}?again"]) == {}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_images_fit_in_and_those_that_cannot_be_had_are_named(
    app: Flask, monkeypatch: pytest.MonkeyPatch, visitor: Visitor, pictured: str, size: tuple[int, int]
) -> None:
    monkeypatch.setitem(app.config, "DESCRIPTION_IMAGES", "proxy")
    visitor.expected.append("404 (NOT FOUND)")
    page = visitor.window(size, color_scheme="dark")
    page.goto(pictured)
    page.locator(".description table").scroll_into_view_if_needed()

    expect(page.locator(".description .description-image")).to_have_text(["Coverage", "none.png", "none.gif"])
    diagram = page.get_by_role("img", name="How it works")
    assert diagram.evaluate("each => each.naturalWidth") == 2000
    assert page.evaluate(OVERFLOW) <= 0
    # What is drawn in black for a white page is not lost on a dark one.
    assert diagram.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(255, 255, 255)"


@pytest.fixture
def member_window(app: Flask, browser: Browser) -> Iterator[Page]:
    """A window in which an administrator is signed in who maintains projects, on a site with something everywhere."""
    app.extensions["limiter"].storage.reset()
    someone = world(app, is_admin=True)
    Team(name="o" * 60, title="O" * 90).save()
    member("W" * 90, email="w" * 50 + "@example.org", is_admin=True)
    uploader = uploads.token_of(member("Lise Meitner"))
    assert uploads.upload(app.test_client(), uploader, uploads.wheel(), uploads.wheel_name()).status_code == 200
    with live(app) as address:
        context = browser.new_context(base_url=address)
        for name in ("session", "signed_in"):
            cookie = someone.get_cookie(name)
            assert cookie
            context.add_cookies([{"name": name, "value": cookie.value, "url": address}])
        yield context.new_page()
        context.close()


def test_axe_finds_nothing_on_the_pages_of_members_and_administrators(
    app: Flask, member_window: Page, axe: str
) -> None:
    forms = [path_of(app, form) for endpoint, form in FORMS.items() if endpoint not in BUTTONS]

    assert violations(member_window, axe, [*MEMBERS, *forms]) == {}


def test_every_kind_of_page_is_looked_at(app: Flask) -> None:
    world(app)
    adapter = app.url_map.bind("localhost")
    paths = [*READERS, *MEMBERS, *(path_of(app, form) for endpoint, form in FORMS.items() if endpoint not in BUTTONS)]
    seen = {adapter.match(path.partition("?")[0].partition("#")[0])[0] for path in paths}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}

    assert {endpoint for endpoint in pages - NO_PAGES if endpoint.partition(".")[0] in ROOMS} - seen == set()


def test_copying_and_the_number_of_suggestions_are_announced(visitor: Visitor) -> None:
    page = visitor.window(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/project/example/")
    said = page.locator("body > [aria-live=polite]")
    expect(said).to_have_text("")

    page.get_by_role("button", name="Copy the install command").click()
    expect(said).to_have_text("Copied")
    page.get_by_role("combobox", name="Search projects").fill("exa")
    expect(said).to_have_text("1 suggestion")
    page.get_by_role("combobox", name="Search projects").fill("package-1")
    expect(said).to_have_text("8 suggestions")
    page.get_by_role("combobox", name="Search projects").fill("qqqq")
    expect(said).to_have_text("No suggestions")


def test_wide_code_is_reached_and_scrolled_with_the_keyboard(visitor: Visitor) -> None:
    page = visitor.window(PHONE)
    page.goto("/project/example/")
    code = page.get_by_role("group", name="Code")

    expect(code).to_have_attribute("tabindex", "0")
    code.focus()
    page.keyboard.press("ArrowRight")

    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_links_in_text_are_underlined_and_fields_have_borders_that_stand_out(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/project/example/")

    # A name among others in a list is a link by its place; beside a text it needs a line.
    assert (
        page.evaluate(
            "[...document.querySelectorAll('main .plain-list a, main p a, main dd a')]"
            ".filter((each) => getComputedStyle(each).textDecorationLine !== 'underline').map((each) => each.outerHTML)"
        )
        == []
    )
    assert page.evaluate("getComputedStyle(document.querySelector('#header-q')).borderColor") == "rgb(133, 122, 105)"


def test_active_tab_shows_where_the_system_chooses_the_colours(visitor: Visitor) -> None:
    page = visitor.window(forced_colors="active")
    page.goto("/project/example/")

    widths = page.locator("[role=tab]").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).borderBottomWidth)"
    )

    assert widths == ["3px", "0px", "0px"]


def test_project_is_printed_whole_and_without_what_is_for_a_screen(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/project/example/")
    page.emulate_media(media="print")

    for printed in ("Release history", "Files of 1.70"):
        expect(page.get_by_role("heading", name=printed)).to_be_visible()
    expect(page.locator("#description")).to_be_visible()
    expect(page.locator(".site-header")).to_be_hidden()
    expect(page.locator("[role=tablist]")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
