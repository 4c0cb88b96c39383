"""The site in a real browser: what only scripts, styles and keys show."""

import contextlib
import re

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.counting import counted
from webapp.documents.base import utc_now

pytestmark = [pytest.mark.browser, pytest.mark.real_server]

PAGES = ["/", "/about", "/projects/", "/projects/?page=2", "/search/?q=package", "/search/?q=zzz", "/stats/"]
PAGES += ["/project/example/", "/project/example/1.71/#history", "/project/example/2.0rc1/", "/project/example/#files"]
PAGES += ["/project/example/1.0/?page=2#history", "/license/MIT/", "/classifier/Topic :: Internet/", "/nothing"]
PAGES += ["/company/employees", "/advisories/", "/advisories/GHSA-aaaa-bbbb-cccc/", "/advisories/PYSEC-2026-4/"]
PAGES += ["/project/example/advisories/", "/project/example/1.0/", "/inside/example/example-1.70.tar.gz/"]
PAGES += ["/inside/example/example-1.70.tar.gz/?path=larder_probe-1.0/PKG-INFO", "/dependencies/example/"]
PAGES += ["/dependencies/package-1/?depth=1&platform=windows"]

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

# Returns every visible text whose contrast to what lies behind it is below 4.5 (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const background = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => c / 255)
      .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const seen = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, option")) continue;
    const style = getComputedStyle(element);
    const behind = background(element);
    const colour = over(rgba(element.closest("svg") ? style.fill : style.color), behind);
    const [light, dark] = [luminance(colour), luminance(behind)].sort((a, b) => b - a);
    seen.set(`${element.tagName}.${element.className.baseVal ?? element.className}`, (light + .05) / (dark + .05));
  }
  return [...seen];
}"""


def is_dark(page: Page) -> bool:
    luminance = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    return sum(luminance) < 200


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_reader_searches_by_keyboard_opens_a_project_and_its_tabs(visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor.window(size)
    page.goto("/")
    expect(page.locator("#hero-q")).to_be_focused()  # a browser gives it a moment after the page

    page.keyboard.type("exam")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=exam")
    page.get_by_role("link", name="Example").click()

    expect(page).to_have_url(re.compile("/project/example/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 1.70")
    expect(page.locator("#description")).to_be_visible()
    expect(page.locator("#history")).to_be_hidden()

    page.get_by_role("tab", name="Release history").click()
    expect(page.locator("#history")).to_be_visible()
    expect(page.locator("#description")).to_be_hidden()
    assert page.url.endswith("/project/example/#history")

    page.reload()
    expect(page.locator("#history")).to_be_visible()
    expect(page.get_by_role("tab", name="Release history")).to_be_in_viewport()

    page.get_by_role("tab", name="Files").click()
    expect(page.locator("#files")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/search/\?q=exam$"))  # tabs are no pages of their own
    page.go_forward()
    expect(page.locator("#files")).to_be_visible()


def test_late_suggestions_do_not_take_away_what_is_selected(visitor: Visitor) -> None:
    page = visitor.window(DESKTOP)
    late: list[Route] = []
    page.route("**/search/suggest?q=exam", lambda route: late.append(route))
    page.goto("/projects/")
    option = page.get_by_role("option")
    page.get_by_role("combobox", name="Search projects").focus()
    page.keyboard.type("exa")
    expect(option).to_have_text(["Example"])
    with page.expect_request("**/search/suggest?q=exam"):
        page.keyboard.type("m")

    page.keyboard.press("ArrowDown")
    with contextlib.suppress(Error):  # the page no longer waits for it
        late[0].continue_()
    page.wait_for_timeout(300)

    expect(option).to_have_attribute("aria-selected", "true")


def test_late_suggestions_do_not_appear_after_escape(visitor: Visitor) -> None:
    page = visitor.window(DESKTOP)
    late: list[Route] = []
    page.route("**/search/suggest?q=exa", lambda route: late.append(route))
    page.goto("/projects/")
    box = page.get_by_role("combobox", name="Search projects")
    box.evaluate("box => { box.type = 'text'; }")  # Chromium empties a search box on Escape, and Firefox does not
    box.focus()
    with page.expect_request("**/search/suggest?q=exa"):
        page.keyboard.type("exa")

    page.keyboard.press("Escape")
    with contextlib.suppress(Error):  # the page no longer waits for it
        late[0].continue_()
    page.wait_for_timeout(300)

    expect(box).to_have_value("exa")
    expect(page.get_by_role("option")).to_have_count(0)


def test_suggestions_for_what_was_typed_before_go_if_the_site_has_none_to_give(visitor: Visitor) -> None:
    visitor.expected.append("429")
    page = visitor.window(DESKTOP)
    page.route("**/search/suggest?q=exam", lambda route: route.fulfill(status=429))
    page.goto("/projects/")
    page.get_by_role("combobox", name="Search projects").focus()
    page.keyboard.type("exa")
    expect(page.get_by_role("option")).to_have_text(["Example"])

    page.keyboard.type("m")

    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_names_are_suggested_and_chosen_with_the_keyboard(visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor.window(size)
    page.goto("/projects/")
    box = page.get_by_role("combobox", name="Search projects")
    options = page.get_by_role("option")

    box.focus()
    page.keyboard.type("exa")
    expect(options).to_have_text(["Example"])
    expect(box).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("ArrowDown")
    expect(box).to_have_value("Example")
    expect(options).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == options.get_attribute("id")

    page.keyboard.press("Escape")
    expect(box).to_have_value("exa")
    expect(options).to_be_hidden()

    page.keyboard.type("m")
    expect(options).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/project/example/$"))
    assert page.evaluate(OVERFLOW) <= 0


def test_filters_are_folded_on_a_phone_and_opened_with_the_keyboard(visitor: Visitor) -> None:
    page = visitor.window(PHONE)
    page.goto("/search/?q=package")
    licence = page.get_by_role("complementary", name="Filters").get_by_role("link", name="MIT")

    expect(licence).to_be_hidden()
    page.get_by_text("Narrow these results").press("Enter")
    licence.press("Enter")

    expect(page).to_have_url(re.compile(r"license=MIT"))
    expect(page.get_by_role("link", name="Remove the filter MIT")).to_be_visible()


def test_all_tabs_and_a_fold_of_facts_stand_above_the_description_on_a_phone(visitor: Visitor) -> None:
    counted(f"example 1.70 {utc_now():%Y-%m-%d}")
    page = visitor.window(PHONE)
    page.goto("/project/example/")

    for name in ("Description", "Release history", "Files", "Downloads"):
        tab = page.get_by_role("tab", name=name)
        box = tab.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
    licence = page.get_by_role("complementary").get_by_role("link", name="MIT")
    expect(licence).to_be_hidden()
    page.get_by_text("Licence, links and maintainers").press("Enter")
    expect(licence).to_be_visible()
    assert page.evaluate(
        "document.querySelector('.fold').getBoundingClientRect().bottom <"
        " document.querySelector('.description').getBoundingClientRect().top"
    )


@pytest.mark.parametrize("has_scripts", [True, False])
def test_facts_are_open_beside_the_description_on_a_wide_screen(visitor: Visitor, *, has_scripts: bool) -> None:
    page = visitor.window(java_script_enabled=has_scripts)
    page.goto("/project/example/")

    expect(page.get_by_role("link", name="MIT")).to_be_visible()
    expect(page.get_by_text("Licence, links and maintainers")).to_be_hidden()


def test_arrow_keys_move_between_tabs(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/project/example/")

    page.get_by_role("tab", name="Description").focus()
    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("tab", name="Release history")).to_be_focused()
    expect(page.get_by_role("tab", name="Release history")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#history")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_pages_stay_where_they_are_while_they_load(visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor.window(size)
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver((list) => { for (const each of list.getEntries()) "
        "moved += each.value; }).observe({ type: 'layout-shift', buffered: true });"
    )

    for path in ("/", "/project/example/", "/search/?q=package", "/stats/"):
        page.goto(path, wait_until="networkidle")
        assert page.evaluate("moved") < 0.01, path


def test_history_page_opens_where_the_reader_was(visitor: Visitor) -> None:
    page = visitor.window(PHONE)
    page.goto("/project/example/#history")

    page.locator("#history").get_by_role("link", name="Next").click()

    expect(page).to_have_url(re.compile(r"\?page=2#history$"))
    expect(page.locator("#history")).to_be_visible()
    expect(page.get_by_role("link", name="1.0", exact=True)).to_be_visible()


def test_install_line_is_copied(visitor: Visitor) -> None:
    page = visitor.window(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/project/example/1.0/")

    page.get_by_role("button", name="Copy the install command").click()

    expect(page.locator(".install .copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"pip install --index-url {visitor.address}/simple/ example==1.0"


@pytest.mark.parametrize(
    "clipboard",
    ["undefined", "{ writeText: () => Promise.reject(new DOMException('no')) }"],
    ids=["absent", "forbidden"],
)
def test_install_line_is_copied_where_the_clipboard_is_kept_from_scripts(visitor: Visitor, clipboard: str) -> None:
    page = visitor.window(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script(f"Object.defineProperty(navigator, 'clipboard', {{ configurable: true, value: {clipboard} }})")
    page.goto("/project/example/")
    button = page.get_by_role("button", name="Copy the install command")

    button.click()

    expect(page.locator(".install .copied")).to_be_visible()
    expect(button).to_be_focused()
    page.evaluate("delete navigator.clipboard")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"pip install --index-url {visitor.address}/simple/ example"


def test_files_are_filtered(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/project/example/#files")
    wheels = page.locator(".file-group", has_text="Built distributions")
    expect(wheels.locator(".file:visible")).to_have_count(3)

    wheels.get_by_label("Interpreter").select_option("cp312")
    expect(wheels.locator(".file:visible")).to_have_count(2)
    expect(wheels.locator("[data-filter-count]")).to_have_text("2 of 3 files")
    wheels.get_by_label("Platform").select_option("manylinux2014_x86_64")
    expect(wheels.locator(".file:visible")).to_have_count(1)
    wheels.get_by_label("Interpreter").select_option("")

    expect(wheels.locator("[data-filter-count]")).to_have_text("1 of 3 files")
    expect(page.locator(".file-group", has_text="Source distributions").locator(".file:visible")).to_have_count(1)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_dark_mode_stays_and_comes_before_the_first_paint(visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor.window(size, color_scheme="light")
    # Notes the theme at the moment at which the body begins to exist.
    page.add_init_script(
        "new MutationObserver((_, observer) => { if (document.body) { window.themeAtBody ??= "
        "document.documentElement.dataset.bsTheme; observer.disconnect(); } })"
        ".observe(document, { childList: true, subtree: true })"
    )
    page.goto("/")
    assert not is_dark(page)
    toggle = page.get_by_role("button", name="Dark mode")
    expect(toggle).to_have_attribute("aria-pressed", "false")

    toggle.click()
    assert is_dark(page)
    expect(toggle).to_have_attribute("aria-pressed", "true")
    page.goto("/projects/")
    page.reload()

    assert is_dark(page)
    assert page.evaluate("themeAtBody") == "dark"
    page.get_by_role("button", name="Dark mode").click()
    assert not is_dark(page)


def test_system_decides_until_the_reader_does(visitor: Visitor) -> None:
    page = visitor.window(color_scheme="dark")
    page.goto("/about")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")

    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Dark mode").click()
    page.evaluate("matchMedia('(prefers-color-scheme: dark)').onchange = () => { window.systemChanged = true; }")
    page.emulate_media(color_scheme="dark")
    page.emulate_media(color_scheme="light")
    page.wait_for_function("() => window.systemChanged")

    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_everything_is_readable_without_scripts(visitor: Visitor) -> None:
    page = visitor.window(java_script_enabled=False)
    page.goto("/project/example/")

    for pane in ("#description", "#history", "#files"):
        expect(page.locator(pane)).to_be_visible()
    assert page.locator("button:visible").all_text_contents() == [""]  # the search's; no button without a use
    assert page.locator("select:visible").count() == 0


def test_keyboard_alone_is_enough(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/projects/")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main a").first).to_be_focused()

    page.reload()
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(() => { const style = getComputedStyle(document.activeElement);"
            " return style.outlineStyle !== 'none' && style.outlineWidth !== '0px' || style.boxShadow !== 'none'; })()"
        )
        assert outline, page.evaluate("document.activeElement.outerHTML")


@pytest.mark.parametrize("width", [320, 390])
def test_no_page_is_wider_than_the_screen(visitor: Visitor, width: int) -> None:
    visitor.expected.append("404 (NOT FOUND)")  # of the page that is not there
    page = visitor.window((width, 844))

    for path in PAGES:
        page.goto(path)

        assert page.evaluate(OVERFLOW) <= 0, path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_lies_behind_it(visitor: Visitor, theme: str) -> None:
    visitor.expected.append("404 (NOT FOUND)")
    page = visitor.window(color_scheme=theme)
    weak: dict[str, float] = {}
    kinds: set[str] = set()

    for path in PAGES:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        # In a picture, what lies behind a text is drawn before it and not around it: its colours are those of buttons.
        contrasts = {kind: value for kind, value in page.evaluate(CONTRASTS) if not kind.startswith("text.")}
        kinds |= contrasts.keys()
        weak |= {f"{path} {kind}": round(value, 2) for kind, value in contrasts.items() if value < 4.5}

    assert weak == {}
    assert {"P.muted", "SPAN.package-name", "SPAN.mark mark-bad", "SPAN.mark mark-warn", "CODE.", "P.lead"} <= kinds


def test_dates_are_the_days_of_the_reader_with_the_exact_time_in_utc(visitor: Visitor) -> None:
    tokyo, new_york = visitor.window(timezone_id="Asia/Tokyo"), visitor.window(timezone_id="America/New_York")

    for page, day in ((tokyo, "2 Mar 2024"), (new_york, "1 Mar 2024")):
        page.goto("/project/example/")
        time = page.locator(".project-title time")
        expect(time).to_have_text(day)
        expect(time).to_have_attribute("title", "2024-03-01 20:00:00 UTC")


def test_all_pages_work_without_an_error_in_both_themes(visitor: Visitor) -> None:
    visitor.expected.append("404 (NOT FOUND)")
    page = visitor.window()

    for path in PAGES:
        page.goto(path)
        page.get_by_role("button", name="Dark mode").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_commands_break_between_words_only(visitor: Visitor) -> None:
    page = visitor.window(PHONE)
    for path in ("/", "/project/example/"):
        page.goto(path)
        words = page.locator(".command .word")
        assert words.count() >= 3
        # A word that takes two lines is broken, unless it is wider than the whole block.
        broken = words.evaluate_all("""(words) => words.filter((word) => {
          const range = document.createRange();
          range.selectNodeContents(word);
          const room = word.closest("code").clientWidth || word.closest("code").getBoundingClientRect().width;
          return range.getClientRects().length > 1 && word.getBoundingClientRect().width < room - 20;
        }).map((word) => word.textContent)""")
        assert broken == [], path


def test_an_advisory_has_its_id_on_one_line(visitor: Visitor) -> None:
    page = visitor.window(PHONE)
    page.goto("/advisories/GHSA-aaaa-bbbb-cccc/")
    title = page.locator("h1")
    lines = title.evaluate("(title) => title.clientHeight / parseFloat(getComputedStyle(title).lineHeight)")

    assert round(lines) == 1


def test_addresses_of_links_are_printed_but_not_those_of_badges(visitor: Visitor) -> None:
    page = visitor.window()
    page.goto("/project/example/")
    page.emulate_media(media="print")
    badges = '<p><a href="https://ci.example.org"><span class="description-image">build</span></a></p>'
    page.locator(".description").evaluate("(text, badges) => text.insertAdjacentHTML('beforeend', badges)", badges)

    printed = page.locator(".description a").evaluate_all(
        'links => links.map((link) => getComputedStyle(link, "::after").content)'
    )
    assert ["example.org" in each for each in printed] == [True, False]
