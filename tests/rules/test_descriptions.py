"""Descriptions become HTML that shows what their authors wrote and does nothing else."""

import io
import json
import re
import time
from pathlib import Path
from typing import Any

import flask_bootstrap
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.rules.descriptions import RENDERER, render_description, render_markdown

REPOSITORY = Path(__file__).parents[1]
PYPI_JSON = REPOSITORY.parent / "shared" / "data" / "pypi-json"
RST = "text/x-rst"
MARKDOWN = "text/markdown"
COMMONMARK = "text/markdown; charset=UTF-8; variant=CommonMark"

# Written out here, so that a tag or attribute that the module comes to allow is looked at twice.
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "kbd", "li", "ol", "p", "pre", "span", "strong", "sub", "summary", "sup", "table", "tbody",
    "td", "th", "thead", "tr", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {"align", "class", "colspan", "href", "id", "rel", "rowspan", "start", "title"}
OF_TABLES = {"aria-label", "role", "tabindex"}
BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css/bootstrap.min.css"
BOOTSTRAP_CLASSES = set(re.findall(r"\.([a-zA-Z][\w-]*)", BOOTSTRAP.read_text(encoding="utf-8")))


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def seen(html: str) -> str:
    """Return the text that a reader sees, its white space folded."""
    return " ".join(soup(html).get_text().split())


def assert_harmless(html: str) -> None:
    for element in soup(html).select("*"):
        assert element.name in TAGS
        classes = set(element.get_attribute_list("class")) - {None}
        allowed = ATTRIBUTES | OF_TABLES if "table-scroll" in classes else ATTRIBUTES
        assert set(element.attrs) <= allowed
        assert not classes & BOOTSTRAP_CLASSES
        assert str(element.get("id", "user-content-")).startswith("user-content-")
        if element.has_attr("href"):
            assert re.match("https?://|mailto:|#user-content-", str(element["href"]), re.IGNORECASE)
        if element.name == "a":
            assert element.get_attribute_list("rel") == ["nofollow", "noopener"]


def is_plain(html: str) -> bool:
    return html.startswith('<pre class="description-plain">')


def test_renderer_names_its_versions() -> None:
    assert re.fullmatch(r"readme_renderer [\d.]+ / larder \d+", RENDERER)


@pytest.mark.parametrize("text", ["", " \n\t\n", "UNKNOWN", "UNKNOWN\n"])
@pytest.mark.parametrize("content_type", [None, MARKDOWN, RST, "text/plain"])
def test_text_that_says_nothing_is_shown_as_nothing(text: str, content_type: str | None) -> None:
    assert render_description(text, content_type) == ""


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, "<p><em>a</em> ~~b~~</p>"),
        ("", "<p><em>a</em> ~~b~~</p>"),
        ("no type at all", "<p><em>a</em> ~~b~~</p>"),
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
    assert render_description("*a* ~~b~~", content_type).strip() == expected


@pytest.mark.parametrize("content_type", [None, RST, "nonsense"])
def test_text_that_is_no_restructuredtext_is_shown_as_it_is(
    content_type: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    html = render_description("a\n   b <b>\nc & `d", content_type)

    assert not caplog.records
    assert html == '<pre class="description-plain">a\n   b &lt;b&gt;\nc &amp; `d</pre>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**b** `c`", "<p><strong>b</strong> <code>c</code></p>"),
        ("# One", '<h2 id="user-content-one">One</h2>'),
        ("##### Five", '<h6 id="user-content-five">Five</h6>'),
        ("###### Six", '<h6 id="user-content-six">Six</h6>'),
        ("[a](https://x.org/)", '<p><a href="https://x.org/" REL>a</a></p>'),
        ("[a](//x.org/b)", '<p><a href="https://x.org/b" REL>a</a></p>'),
        ("<me@x.org>", '<p><a href="mailto:me@x.org" REL>me@x.org</a></p>'),
        ('[a](https://x.org "T")', '<p><a href="https://x.org" title="T" REL>a</a></p>'),
        ("[the *guide*](docs/x.md)", "<p>the <em>guide</em></p>"),
        ("[a](/b) [c](../d) [e](?f) [g](ftp://h) [i]()", "<p>a c e g i</p>"),
        ("[a](#b)", '<p><a href="#user-content-b" REL>a</a></p>'),
        ("[a](#user-content-b)", '<p><a href="#user-content-b" REL>a</a></p>'),
        ('<p id="user-content-a">b</p>', '<p id="user-content-a">b</p>'),
        ('<p id="navbar">b</p>', '<p id="user-content-navbar">b</p>'),
        ('<a name="b"></a>c', '<p><span id="user-content-b"></span>c</p>'),
        ("![A b](https://x.org/i.png)", '<p><a IMAGE href="https://x.org/i.png" REL>A b</a></p>'),
        ("![](//x.org/i%20j?k)", '<p><a IMAGE href="https://x.org/i%20j?k" REL>i j</a></p>'),
        (
            "[![A](https://x.org/i.png)](https://y.org)",
            '<p><a href="https://y.org" REL><span IMAGE>A</span></a></p>',
        ),
        ("[![A](https://x.org/i)](LICENSE)", '<p><a IMAGE href="https://x.org/i" REL>A</a></p>'),
        ("![A <b>](docs/i.png) ![](docs/j.png)", "<p>A &lt;b&gt; j.png</p>"),
        ("![A](data:image/png;base64,AAAA) ![](data:image/png;base64,AAAA).", "<p>A .</p>"),
        (
            "[![A <b>](https://x.org/i)](https://y.org)",
            '<p><a href="https://y.org" REL><span IMAGE>A &lt;b&gt;</span></a></p>',
        ),
        (
            "<a href='https://x.org/?a=\"b\"'>c</a>",
            '<p><a href="https://x.org/?a=&quot;b&quot;" REL>c</a></p>',
        ),
        ("a <input type=text value=b> c", "<p>a c</p>"),
        ('a <b title="c<d">e</b>', '<p>a &lt;b title="c&lt;d"&gt;e</p>'),
        ("- [x] a\n- [ ] b", "<ul> <li>☑ a</li> <li>☐ b</li> </ul>"),
        (
            "|a|\n|-|",
            "TABLE <thead> <tr> <th>a</th> </tr> </thead> </table></div>",
        ),
        (
            "> [!TIP]\n> a",
            '<div class="admonition tip"> <p class="admonition-title">Tip</p> <p>a</p> </div>',
        ),
        (
            "```python\n1\n```",
            '<pre class="highlight"><code><span class="mi">1</span> </code></pre>',
        ),
        (
            "```python\n\n<\n```",
            '<pre class="highlight"><code> <span class="o">&lt;</span> </code></pre>',
        ),
        ("```no-such\n<b>\n```", "<pre><code>&lt;b&gt; </code></pre>"),
        ("<p>a<p>b<ul><li>c<li>d</ul>", "<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>"),
        (
            "<div><table><tr><td>a</div></td><td>b</table>",
            "<div>TABLE<tbody><tr><td>a</td><td>b</td></tr></tbody></table></div> </div>",
        ),
        ("<p><b>a</p>\n\nb", "<p><b>a</b></p> <p>b</p>"),
        (
            '<a href="https://x.org">a<a href="https://y.org">b</a>',
            '<p><a href="https://x.org" REL>a</a><a href="https://y.org" REL>b</a></p>',
        ),
        (
            '<div class="modal fixed-top note" style="color: red">a</div>',
            '<div class="note">a</div>',
        ),
        ("a <!-- b --> c", "<p>a c</p>"),
        ("a < b & c &lt;d&gt;", "<p>a &lt; b &amp; c &lt;d&gt;</p>"),
    ],
)
def test_markdown_as_a_reader_sees_it(text: str, expected: str) -> None:
    table = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table 1"><table>'
    expected = expected.replace(" REL", ' rel="nofollow noopener"').replace("TABLE", table)
    expected = expected.replace(" IMAGE", ' class="description-image"')

    html = render_markdown(text)

    assert " ".join(html.split()) == expected
    assert_harmless(html)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A\n=\n\nB\n-\n\nc", "<h2>A</h2> <h3>B</h3> <p>c</p>"),
        ("`a <https://x.org>`_", '<p><a href="https://x.org" REL>a</a></p>'),
        ("`a <docs/x.rst>`_", "<p>a</p>"),
        (".. image:: https://x.org/i.svg", '<a IMAGE href="https://x.org/i.svg" REL>i.svg</a>'),
        (
            ".. note:: a",
            '<div class="admonition note"> <p class="admonition-title">Note</p> <p>a</p> </div>',
        ),
        (
            ".. code:: python\n\n   1",
            '<pre class="highlight"><code><span class="mi">1</span></code></pre>',
        ),
        ("::\n\n  a", "<pre>a</pre>"),
        (".. class:: modal\n\na", "<p>a</p>"),
    ],
)
def test_restructuredtext_as_a_reader_sees_it(text: str, expected: str) -> None:
    expected = expected.replace(" REL", ' rel="nofollow noopener"')
    expected = expected.replace(" IMAGE", ' class="description-image"')

    html = render_description(text, RST)

    without_sections = re.sub(r'<div id="[^"]*">|(</div>\s*){2}$', "", html)
    assert " ".join(without_sections.split()) == expected
    assert_harmless(html)


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("# Getting started\n\n[a](#getting-started)", MARKDOWN),
        ("a[^1]\n\n[^1]: b", MARKDOWN),
        ("<h1 id=a>b</h1>\n\n[c](#a)", COMMONMARK),
        (".. contents::\n\nA\n=\n\nB\n=\n", RST),
        ("a [1]_\n\n.. [1] b", RST),
    ],
)
def test_links_within_a_text_find_their_target(text: str, content_type: str) -> None:
    page = soup(render_description(text, content_type))

    targets = {str(link["href"]).removeprefix("#") for link in page.find_all("a")}
    targets.discard("user-content-top")  # "#top" of docutils' tables of contents is the page's top
    ids = [element["id"] for element in page.find_all(id=True)]
    assert targets
    assert targets <= set(map(str, ids))
    assert len(ids) == len(set(ids))


def test_tables_are_told_apart_and_nested_ones_stay_whole() -> None:
    html = render_markdown("<table><tr><td><table><tr><td>a</table></table>\n\n|b|\n|-|\n")

    labels = [region["aria-label"] for region in soup(html).select("div.table-scroll")]
    assert labels == ["Table 1", "Table 2", "Table 3"]
    assert seen(html) == "a b"


HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://x.org/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<div><script>alert(1)</script></div>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "[a]: javascript:alert(1)\n\n[a]",
    '<a href="javascript:alert(1)">x</a>',
    "<a href='\x01javascript:alert(1)'>x</a>",
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="http://x.org" onclick="alert(1)" style="position:fixed" target=_top>x</a>',
    "<img src=x onerror=alert(1)>",
    '<img src="https://x.org/i.png" onerror=alert(1) srcset="https://x.org/j.png 2x">',
    '<img alt="</a><script>alert(1)</script>" src="https://x.org/&quot; onload=alert(1)">',
    '![" onerror="alert(1)](https://x.org/"onload="alert)',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<iframe src=https://x.org></iframe><object data=x></object><embed src=x>",
    "<video src=https://x.org/v><source src=https://x.org/w></video>",
    "<style>body { display: none }</style><link rel=stylesheet href=https://x.org/x.css>",
    "<form action=https://x.org><input name=password><button>Sign in</button></form>",
    "<base href=https://x.org/><meta http-equiv=refresh content='0;https://x.org'>",
    "<p style='position:fixed' class='modal show d-block' id='search' onmouseover=alert(1)>x",
    '<div role="alert" aria-label="x" tabindex="1" class="table-scroll">x</div>',
    '```python" onclick=alert(1)\n</code></pre><script>alert(1)</script>\n```',
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "</div></div></main><footer>x",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?php <img src=x onerror=alert(1)> ?>",
    "`x <javascript:alert(1)>`_",
    ".. image:: javascript:alert(1)",
    ".. image:: https://x.org/i.png\n   :target: javascript:alert(1)",
    '.. image:: https://x.org/i.png\n   :alt: "><script>alert(1)</script>',
    ".. raw:: html\n\n   <script>alert(1)</script>",
    ".. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<script>alert(1)</script>`",
    ".. class:: modal fixed-top\n\nx",
    ".. _search:\n\nx",
    ".. code:: html\n\n   <script>alert(1)</script>",
    ".. math:: </div><script>alert(1)</script>",
    ".. meta::\n   :http-equiv=refresh: 0;https://x.org\n\nx",
]


@pytest.mark.parametrize("content_type", [MARKDOWN, COMMONMARK, RST, None, "text/plain"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert(text: str, content_type: str | None) -> None:
    assert_harmless(render_description(text, content_type))
    assert_harmless(render_description(f"before\n\n{text}\n\nafter", content_type))


@pytest.mark.parametrize("tag", ["script", "style", "SCRIPT"])
def test_scripts_and_styles_are_no_text(tag: str) -> None:
    html = render_description(f"a <{tag}>alert(1) < b</{tag}> <b>c</b>", COMMONMARK)

    assert seen(html) == "a c"


def test_code_is_shown_not_run() -> None:
    html = render_markdown("Do not write `<script>alert(1)</script>`.\n\n    <img onerror=x>\n")

    assert seen(html) == "Do not write <script>alert(1)</script>. <img onerror=x>"


@pytest.mark.parametrize("suffix", ["svg", "png", "txt"])
@pytest.mark.parametrize(
    "text",
    [
        ".. include:: {file}",
        ".. raw:: html\n   :file: {file}",
        ".. raw:: html\n   :url: file://{file}",
        ".. csv-table::\n   :file: {file}",
        ".. csv-table::\n   :url: file://{file}",
        ".. image:: {file}\n   :loading: embed",
        ".. image:: file://{file}\n   :loading: embed",
        ".. |a| image:: {file}\n   :loading: embed\n\n|a|",
        ".. figure:: {file}\n   :loading: embed\n   :figwidth: image",
        ".. figure:: {file}\n   :figwidth: image",
        ".. image:: {file}\n   :scale: 50",
    ],
)
def test_restructuredtext_reads_no_files(
    text: str,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / f"secret.{suffix}"
    file.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>the secret</text></svg>')
    opened = []

    def watched_open(path: object, *args: Any, **options: Any) -> Any:
        opened.append(str(path))
        return io_open(path, *args, **options)

    io_open: Any = io.open
    monkeypatch.setattr("io.open", watched_open)
    monkeypatch.setattr("builtins.open", watched_open)
    monkeypatch.setattr("urllib.request.urlopen", watched_open)

    html = render_description(text.format(file=file), RST)

    assert "the secret" not in html
    assert not [path for path in opened if "secret" in path]


def test_standard_include_files_are_not_read_either() -> None:
    assert is_plain(render_description(".. include:: <isonum.txt>", RST))


def test_roles_and_settings_of_one_text_do_not_reach_the_next() -> None:
    before = render_description(":strong:`a` `b`", RST)

    render_description(".. role:: strong(code)\n.. default-role:: code\n\n:strong:`a` `b`", RST)
    render_description(".. role:: mine(code)\n.. default-role:: mine\n\n`halts", RST)

    assert render_description(":strong:`a` `b`", RST) == before
    assert is_plain(render_description(":mine:`a`", RST))


def test_comments_alone_are_shown_as_they_are_in_restructuredtext() -> None:
    assert seen(render_description(".. just a comment", RST)) == ".. just a comment"


def test_failure_of_a_parser_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    html = render_description(nested_list(300), RST)

    assert is_plain(html)
    assert "RecursionError" in caplog.text


def numbered(pattern: str, count: int) -> str:
    return "".join(pattern.format(number) for number in range(count))


def nested_list(depth: int) -> str:
    return "".join("  " * level + "- a\n\n" for level in range(depth))


def chain(length: int) -> str:
    return "".join(f".. _a{number}: a{number + 1}_\n" for number in range(length))


def bomb(levels: int) -> str:
    lines = [f".. |a{level}| replace:: " + f"|a{level + 1}| " * 3 for level in range(levels)]
    return "\n".join(["|a0|", "", *lines, f".. |a{levels}| replace:: ha"])


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        pytest.param(text, content_type, id=name)
        for name, text, content_type in [
            ("a megabyte of [", "[" * 1_000_000, MARKDOWN),
            ("a megabyte of *", "*" * 1_000_000, MARKDOWN),
            ("a megabyte of >", ">" * 1_000_000, MARKDOWN),
            ("a megabyte of [ in rst", "[" * 1_000_000, RST),
            ("many [", "[" * 199_000, MARKDOWN),
            ("many *", "*a **a " * 28_000, MARKDOWN),
            ("quotes within quotes", "> " * 99 + "a", MARKDOWN),
            ("equal headings", "# a\n" * 49_000, MARKDOWN),
            ("equal underlined headings", "a\n-\n" * 49_000, MARKDOWN),
            ("one footnote, many references", "[^1]" * 49_000 + "\n\n[^1]: a", MARKDOWN),
            ("lists within lists", nested_list(440), MARKDOWN),
            ("huge table", "|a|b|\n|-|-|\n" + "|c|d|\n" * 30_000, MARKDOWN),
            ("wide table", "|a" * 9_000 + "|\n" + "|-" * 9_000 + "|\n", MARKDOWN),
            ("open elements", "<div>" * 10_000, MARKDOWN),
            ("open tables", "<table><tr><td>" * 4_000, MARKDOWN),
            ("open formatting", numbered("<b id={}>", 9_000) + "<p>x" * 20_000, MARKDOWN),
            ("closed too late", "<b><table></b></table>" * 4_000 + "<p>x" * 20_000, MARKDOWN),
            ("open code", '<pre><code class="language-x">' * 3_000, MARKDOWN),
            ("open comments", "<div>" + "<!--" * 20_000, MARKDOWN),
            ("open attributes", '<div>\n<a b="' * 5_000, MARKDOWN),
            ("prefixes", '<p id="' + "user-content-" * 15_000 + '">', MARKDOWN),
            ("substitutions", bomb(40), RST),
            ("long substitution", "|a|\n" * 9_000 + "\n.. |a| replace:: " + "b" * 4_000, RST),
            ("tables of contents", ".. contents::\n\n" * 1_000 + "A\n=\n\n" * 1_000, RST),
            ("targets", numbered(".. _a{}:\n", 7_000) + "\nb", RST),
            ("classes", ".. class:: a\n\n" * 5_000 + "b", RST),
            ("rst lists within lists", nested_list(300), RST),
            ("rst chain of targets", chain(900), RST),
            ("rst csv table", ".. csv-table::\n\n" + "   a,b\n" * 2_000, RST),
        ]
    ],
)
def test_costly_text_is_shown_in_good_time(text: str, content_type: str) -> None:
    start = time.process_time()

    html = render_description(text, content_type)

    assert time.process_time() - start < 5
    assert len(html) < max(2_000_100, 5 * len(text))


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        pytest.param(text, content_type, id=name)
        for name, text, content_type in [
            ("long Markdown", "a " * 100_001, MARKDOWN),
            ("long reStructuredText", "a\n" * 50_001, RST),
            ("long HTML", "[^1]" * 30_000 + "\n\n[^1]: a", MARKDOWN),
            ("deep quotes", ">" * 199_000, MARKDOWN),
            ("headings", "# a\n" * 2_001, MARKDOWN),
            ("nested substitutions", bomb(2), RST),
            ("long substitution", "|a|\n" * 30 + "\n.. |a| replace:: " + "b" * 4_000, RST),
            ("tables of contents", ".. contents::\n\n" * 4 + "A\n=\n", RST),
            ("targets", numbered(".. _a{}:\n\n", 1_001) + "b", RST),
            ("classes", ".. class:: a\n\nb\n\n" * 301, RST),
        ]
    ],
)
def test_text_beyond_the_limits_is_shown_as_it_is(text: str, content_type: str) -> None:
    start = time.process_time()

    html = render_description(text, content_type)

    assert time.process_time() - start < 5
    assert is_plain(html)


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        pytest.param(text, content_type, id=name)
        for name, text, content_type in [
            ("Markdown", "a " * 100_000, MARKDOWN),
            ("reStructuredText", "a\n" * 50_000, RST),
            ("quotes", "> " * 99 + "a", MARKDOWN),
            ("headings", "# a\n" * 2_000, MARKDOWN),
            ("nested substitution", bomb(1), RST),
            ("substitution", "|a|\n" * 20 + "\n.. |a| replace:: " + "b" * 4_000, RST),
            ("tables of contents", ".. contents::\n\n" * 3 + "A\n=\n", RST),
            ("targets", numbered(".. _a{}:\n\n", 999) + "b", RST),
            ("classes", ".. class:: a\n\nb\n\n" * 300, RST),
        ]
    ],
)
def test_text_within_the_limits_is_rendered(text: str, content_type: str) -> None:
    assert not is_plain(render_description(text, content_type))


@pytest.mark.parametrize(
    "text",
    ["\0", "a\0b", "\ud800", "\x1b[31m", "\ufeff", "\x85", "\u2028", "\x0b", "\x0c", "\r\n\r"],
)
@pytest.mark.parametrize("content_type", [MARKDOWN, COMMONMARK, RST, "text/plain", "\0\ud800;\n"])
def test_odd_characters_can_be_stored_and_shown(text: str, content_type: str) -> None:
    html = render_description(f"before {text} after", content_type)

    assert html.encode().decode() == html
    assert {"before", "after"} <= set(seen(html).split())
    assert not re.search(r"[\0-\x08\x0e-\x1f\x7f]", html)


WORDS = [
    *HOSTILE,
    "*", "**", "_", "`", "```", "~~", "[", "](", ")", "![", "> ", "- ", "1. ", "# ", "|", "|-|\n",
    "\n", "\n\n", "    ", "\\", "'", ">", '">', "&lt;", "&#x3c;", "[^1]", "[^1]: ", ":smile:",
    "<div>", "</div>", "<b>", "</b>", "<p>", "</p>", "<table>", "</table>", "<tr>", "<td>", "<li>",
    "<a href=https://x.org>", '<a href="', "</a>", "<img src=https://x.org ", "<pre>", "</pre>",
    ".. ", "::", ".. note:: ", "|a|", ".. |a| replace:: ", "`a`_", ".. _a: ", "===\n", "---\n",
    "+--+\n", "=== ===\n",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS) | st.text(st.characters(), max_size=8), max_size=30),
    content_type=st.sampled_from([MARKDOWN, COMMONMARK, RST, "text/plain"]) | st.none() | st.text(),
)
def test_any_text_becomes_harmless_html(words: list[str], content_type: str | None) -> None:
    html = render_description("".join(words), content_type)

    assert_harmless(html)
    assert html.encode().decode() == html


@pytest.mark.skipif(not PYPI_JSON.is_dir(), reason="no PyPI documents beside the repository")
def test_descriptions_of_well_known_projects() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(PYPI_JSON.iterdir())]
    infos = [json.loads(text)["info"] for text in texts]
    start = time.process_time()

    rendered = {}
    for info in infos:
        text, content_type = info["description"] or "", info["description_content_type"]
        rendered[info["name"]] = render_description(text, content_type)

    assert time.process_time() - start < 5
    for html in rendered.values():
        assert_harmless(html)
    # These four are no valid reStructuredText: PyPI's own renderer refuses them, too.
    refused = {name for name, html in rendered.items() if is_plain(html)}
    assert refused == {"funcsigs", "kombu", "pyparsing", "rsa"}
