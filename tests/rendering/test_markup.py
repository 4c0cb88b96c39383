"""Descriptions become HTML that shows what their authors wrote and does nothing else."""

import io
import json
import re
from pathlib import Path
from typing import Any

import flask_bootstrap
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.rendering import markup

PYPI_JSON = Path(__file__).parents[2].parent / "shared" / "data" / "pypi-json"
RST, MARKDOWN, COMMONMARK = "rst", "GFM", "CommonMark"

# Written out here, so that a tag or attribute that the module comes to allow is looked at twice.
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "kbd", "li", "ol", "p", "pre", "span", "strong", "sub", "summary", "sup", "table", "tbody",
    "td", "th", "thead", "tr", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {"align", "class", "colspan", "href", "id", "rel", "rowspan", "start", "title"}
# Of a placeholder; no browser does anything with them.
OF_IMAGES = {"data-image", "data-width"}
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
        if "description-image" in classes:
            allowed = allowed | OF_IMAGES
        assert set(element.attrs) <= allowed
        assert not classes & BOOTSTRAP_CLASSES
        assert str(element.get("id", "user-content-")).startswith("user-content-")
        if element.has_attr("href"):
            assert re.match("https?://|mailto:|#user-content-", str(element["href"]), re.IGNORECASE)
        if element.name == "a":
            assert element.get_attribute_list("rel") == ["nofollow", "noopener"]


def render(text: str, language: str) -> str:
    html = markup.render(text, language)
    assert html is not None
    return html


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
            '<p><a href="https://y.org" REL><span IMAGE data-image="https://x.org/i.png">A</span></a></p>',
        ),
        ("[![A](https://x.org/i)](LICENSE)", '<p><a IMAGE href="https://x.org/i" REL>A</a></p>'),
        ("![A <b>](docs/i.png) ![](docs/j.png)", "<p>A &lt;b&gt; j.png</p>"),
        ("![A](data:image/png;base64,AAAA) ![](data:image/png;base64,AAAA).", "<p>A .</p>"),
        (
            "[![A <b>](https://x.org/i)](https://y.org)",
            '<p><a href="https://y.org" REL><span IMAGE data-image="https://x.org/i">A &lt;b&gt;</span></a></p>',
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

    html = render(text, MARKDOWN)

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

    html = render(text, RST)

    without_sections = re.sub(r'<div id="[^"]*">|(</div>\s*){2}$', "", html)
    assert " ".join(without_sections.split()) == expected
    assert_harmless(html)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("# Getting started\n\n[a](#getting-started)", MARKDOWN),
        ("a[^1]\n\n[^1]: b", MARKDOWN),
        ("<h1 id=a>b</h1>\n\n[c](#a)", COMMONMARK),
        (".. contents::\n\nA\n=\n\nB\n=\n", RST),
        ("a [1]_\n\n.. [1] b", RST),
    ],
)
def test_links_within_a_text_find_their_target(text: str, language: str) -> None:
    page = soup(render(text, language))

    targets = {str(link["href"]).removeprefix("#") for link in page.find_all("a")}
    targets.discard("user-content-top")  # "#top" of docutils' tables of contents is the page's top
    ids = [element["id"] for element in page.find_all(id=True)]
    assert targets
    assert targets <= set(map(str, ids))
    assert len(ids) == len(set(ids))


def test_tables_are_told_apart_and_nested_ones_stay_whole() -> None:
    html = render("<table><tr><td><table><tr><td>a</table></table>\n\n|b|\n|-|\n", MARKDOWN)

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


@pytest.mark.parametrize("language", [MARKDOWN, COMMONMARK, RST])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert(text: str, language: str) -> None:
    assert_harmless(markup.render(text, language) or "")
    assert_harmless(markup.render(f"before\n\n{text}\n\nafter", language) or "")


@pytest.mark.parametrize("tag", ["script", "style", "SCRIPT"])
def test_scripts_and_styles_are_no_text(tag: str) -> None:
    html = render(f"a <{tag}>alert(1) < b</{tag}> <b>c</b>", COMMONMARK)

    assert seen(html) == "a c"


def test_code_is_shown_not_run() -> None:
    html = render("Do not write `<script>alert(1)</script>`.\n\n    <img onerror=x>\n", MARKDOWN)

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

    html = markup.render(text.format(file=file), RST) or ""

    assert "the secret" not in html
    assert not [path for path in opened if "secret" in path]


def test_standard_include_files_are_not_read_either() -> None:
    assert markup.render(".. include:: <isonum.txt>", RST) is None


def test_writer_that_asks_for_a_local_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit_paragraph(self: Any, node: object) -> None:
        self.uri2path("file:///some/file")

    monkeypatch.setattr(markup.Translator, "visit_paragraph", visit_paragraph)

    with pytest.raises(ValueError, match="reads no files"):
        markup.render("a", RST)


def test_roles_and_settings_of_one_text_do_not_reach_the_next() -> None:
    before = render(":strong:`a` `b`", RST)

    markup.render(".. role:: strong(code)\n.. default-role:: code\n\n:strong:`a` `b`", RST)
    markup.render(".. role:: mine(code)\n.. default-role:: mine\n\n`halts", RST)

    assert render(":strong:`a` `b`", RST) == before
    assert markup.render(":mine:`a`", RST) is None


@pytest.mark.parametrize("text", [".. just a comment", "a\n   b\nc", ".. raw:: html\n\n   <b>a</b>"])
def test_restructuredtext_that_is_refused_or_shows_nothing_has_no_html(text: str) -> None:
    assert markup.render(text, RST) is None


def test_html_that_is_too_long_for_a_page_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_HTML_CHARS", 20)

    assert markup.render("a", MARKDOWN) == "<p>a</p>\n"
    with pytest.raises(markup.TooLong):
        markup.render("a" * 20, MARKDOWN)


def test_elements_that_stand_too_deep_are_left_out_and_their_text_stays() -> None:
    html = render("<div>" * 150 + "a", MARKDOWN)

    assert html.count("<div>") == html.count("</div>") == markup.MAX_DEPTH
    assert seen(html) == "a"


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
    words=st.lists(st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=30),
    language=st.sampled_from([MARKDOWN, COMMONMARK, RST]),
)
def test_any_text_becomes_harmless_html(words: list[str], language: str) -> None:
    html = markup.render("".join(words), language) or ""

    assert_harmless(html)
    assert html.encode().decode() == html


@pytest.mark.skipif(not PYPI_JSON.is_dir(), reason="no PyPI documents beside the repository")
def test_descriptions_of_well_known_projects() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(PYPI_JSON.iterdir())]
    infos = [json.loads(text)["info"] for text in texts]

    rendered = {}
    for info in infos:
        if info["description"]:
            is_markdown = (info["description_content_type"] or "").startswith("text/markdown")
            rendered[info["name"]] = markup.render(info["description"], MARKDOWN if is_markdown else RST)

    for html in rendered.values():
        assert_harmless(html or "")
    # These four are no valid reStructuredText: PyPI's own renderer refuses them, too.
    assert {name for name, html in rendered.items() if html is None} == {"funcsigs", "kombu", "pyparsing", "rsa"}
