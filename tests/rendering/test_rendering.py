"""A description as a page shows it: rendered if it can be, and as plain text otherwise."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.rendering.stand_ins import stand_in
from webapp.rendering import RENDERER, Rendered, Renderers, highlighted, render_description, render_markdown

RST = "text/x-rst"
MARKDOWN = "text/markdown"
COMMONMARK = "text/markdown; charset=UTF-8; variant=CommonMark"


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Renderers]:
    with contextlib.closing(stand_in(tmp_path)) as children:
        yield children


def is_plain(html: str) -> bool:
    return html.startswith('<pre class="description-plain">')


def test_renderer_names_its_versions() -> None:
    assert re.fullmatch(r"readme_renderer [\d.]+ / larder \d+", RENDERER)


@pytest.mark.parametrize("text", ["", " \n\t\n", "UNKNOWN", "UNKNOWN\n", "\ufeff"])
@pytest.mark.parametrize("content_type", [None, MARKDOWN, RST, "text/plain"])
def test_text_that_says_nothing_is_shown_as_nothing(text: str, content_type: str | None) -> None:
    assert render_description(text, content_type) == Rendered("")


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, "<p><em>a</em> ~~b~~</p>"),
        ("", "<p><em>a</em> ~~b~~</p>"),
        ("no type at all", "<p><em>a</em> ~~b~~</p>"),
        ("\0\ud800;\n", "<p><em>a</em> ~~b~~</p>"),
        ("text/x-rst; charset=UTF-8", "<p><em>a</em> ~~b~~</p>"),
        ("text/markdown", "<p><em>a</em> <del>b</del></p>"),
        ("Text/Markdown ; charset=UTF-8", "<p><em>a</em> <del>b</del></p>"),
        ("text/markdown; charset=UTF-8; variant=GFM", "<p><em>a</em> <del>b</del></p>"),
        ("text/markdown; variant=CommonMark", "<p><em>a</em> ~~b~~</p>"),
        ('text/markdown;variant="commonmark"', "<p><em>a</em> ~~b~~</p>"),
        ("text/plain", '<pre class="description-plain">*a* ~~b~~</pre>'),
    ],
)
def test_content_type_chooses_the_language(content_type: str | None, expected: str) -> None:
    assert render_description("*a* ~~b~~", content_type).html.strip() == expected


@pytest.mark.parametrize("content_type", [None, RST, "nonsense"])
def test_text_that_is_no_restructuredtext_is_shown_as_it_is(
    content_type: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    rendered = render_description("a\n   b <b>\nc & `d", content_type)

    assert not caplog.records
    assert rendered == Rendered('<pre class="description-plain">a\n   b &lt;b&gt;\nc &amp; `d</pre>')


@pytest.mark.parametrize("content_type", [None, RST, MARKDOWN])
def test_byte_order_mark_is_no_part_of_the_text(content_type: str | None) -> None:
    html = render_description("\ufeffTitle\n=====\n\nSome *text*.\n", content_type).html

    assert "<h2" in html
    assert "<em>text</em>" in html
    assert "\ufeff" not in html


@pytest.mark.parametrize(
    "text",
    ["\0", "a\0b", "\ud800", "\x1b[31m", "\ufeff", "\x85", "\u2028", "\x0b", "\x0c", "\r\n\r"],
)
@pytest.mark.parametrize("content_type", [MARKDOWN, COMMONMARK, RST, "text/plain"])
def test_odd_characters_can_be_stored_and_shown(text: str, content_type: str) -> None:
    html = render_description(f"before {text} after", content_type).html

    assert html.encode().decode() == html
    assert {"before", "after"} <= set(BeautifulSoup(html, "html.parser").get_text().split())
    assert not re.search(r"[\0-\x08\x0e-\x1f\x7f]", html)


@pytest.mark.parametrize(
    "text",
    [
        "* a change with *some* words in it and a bit more text\n" * 1_900,
        "".join(f"* fix (`#{number} <https://example.org/{number}>`_)\n" for number in range(1_100)),
        "word " * 1_100,
        "".join(f"S{n}\n==\n\n.. contents::\n   :local:\n\nA{n}\n--\n\nx\n\n" for n in range(4)),
    ],
    ids=["a long changelog", "many links", "a long line", "several tables of contents"],
)
def test_long_restructuredtext_is_rendered(text: str) -> None:
    assert not is_plain(render_description(text, RST).html)


def test_text_that_cannot_be_rendered_is_shown_as_it_is_with_the_reason(children: Renderers) -> None:
    rendered = render_description("burn <b>", RST, children)

    assert rendered.html == '<pre class="description-plain">burn &lt;b&gt;</pre>'
    assert rendered.problem == ("It is shown as plain text: rendering it took more than 0.2 seconds of processor time.")


def test_content_page_is_markdown() -> None:
    assert render_markdown("~~a~~") == Rendered("<p><del>a</del></p>\n")


class TestFiles:
    def test_text_of_a_file_has_the_colours_of_its_language(self) -> None:
        html = highlighted("def f():\n    return '<b>'\n", "app.py")

        assert '<span class="k">def</span>' in html
        assert "&lt;b&gt;" in html

    @pytest.mark.parametrize("name", ["RECORD", "x.unknown", "", "\0"])
    def test_file_of_another_kind_is_shown_without(self, name: str) -> None:
        assert highlighted("a < b", name) == '<pre class="highlight"><code>a &lt; b</code></pre>'

    def test_long_text_is_shown_without(self) -> None:
        assert "span" not in highlighted("def f(): pass\n" * 10_000, "app.py")

    @pytest.mark.parametrize("command", ["burn", "crash"])
    def test_text_that_takes_too_long_is_shown_without(self, children: Renderers, command: str) -> None:
        assert highlighted(command, "app.py", children) == f'<pre class="highlight"><code>{command}</code></pre>'
