"""Render a description (Markdown, reStructuredText) to safe HTML. This runs in a child process: see `child.py`.

Anybody may have written the text, so a parser's HTML is not passed on: `_Rewriter` writes it anew from what is allowed
here, and nh3 checks the result. Excessive time or memory is no concern here, because the child's limits end it. The
file is run by itself, so it imports nothing of the site.
"""

# docutils and Pygments have no type hints.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

import re
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape, unescape
from typing import Any, NoReturn
from urllib.parse import unquote

import nh3
from docutils import nodes
from docutils.core import publish_parts
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser, roles
from docutils.readers.standalone import Reader
from docutils.statemachine import State, StateMachine
from docutils.utils import SystemMessage
from docutils.writers.html5_polyglot import Writer
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound
from readme_renderer import markdown, rst
from readme_renderer.clean import ALLOWED_TAGS

# Beyond these limits a page is too large, or its elements are nested too deeply, for browsers.
MAX_HTML_CHARS = 2_000_000
MAX_DEPTH = 100

# The allowed classes, and their replacements, which Bootstrap does not style.
ADMONITIONS = "attention caution danger error hint important note tip warning"
CLASSES = {name: name for name in STANDARD_TYPES.values() if name}
CLASSES |= {name: name for name in ["admonition", "admonition-title", *ADMONITIONS.split()]}
CLASSES |= {"code": "highlight", "highlight": "highlight"}
# The allowed tags, and their replacements: headings rank below the page's own.
TAGS = {tag: tag for tag in ALLOWED_TAGS - {"img", "input", "picture"}}
TAGS |= {"acronym": "abbr", "tt": "code", "aside": "div", "nav": "div", "section": "div"}
TAGS |= {f"h{level}": f"h{level + 1}" for level in range(1, 6)}
INLINE = {"a", "abbr", "acronym", "b", "br", "cite", "code", "del", "em", "i", "kbd"}
INLINE |= {"span", "strong", "sub", "sup", "tt", "var"}
TABLE = {"caption", "col", "colgroup", "table", "tbody", "td", "th", "thead", "tr"}
ATTRIBUTES = ("align", "colspan", "rowspan", "start", "title")
# Start tags that end an open element, as in "<p>one<p>two".
ENDS = {tag: {"p"} for tag in TAGS.keys() - INLINE}
ENDS |= {tag: {"p", "dd", "dt"} for tag in ("dd", "dt")} | {"li": {"p", "li"}}
ENDS |= {tag: {"p", "td", "th"} for tag in ("td", "th")} | {"tr": {"p", "td", "th", "tr"}}

# Possessive, and no "<" within a tag, so they take time in proportion to the text, whatever it is.
TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*>?"
    r"""|<(/?)([a-z][\w:-]*+)((?:[^<>"']|"[^<"]*"|'[^<']*')*+)>""",
    re.IGNORECASE | re.DOTALL,
)
ATTRIBUTE = re.compile(r"""([a-zA-Z][\w-]*+)(?:\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+))?""")
FILE = "file:"
CODE = re.compile(r'<pre><code class="language-([^"<>]+)">([^<]*)</code></pre>')
WIDTH = re.compile("[1-9][0-9]{0,3}")
LINK = re.compile(r"(?:https?://|mailto:)[^\s/]", re.IGNORECASE)

CLEANER = nh3.Cleaner(
    tags=set(TAGS.values()),
    attributes={
        "*": {*ATTRIBUTES, "class", "id"},
        "a": {"href", "data-width"},
        "span": {"data-image", "data-width"},
        "div": {"aria-label", "role", "tabindex"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow noopener",
)


class TooLong(ValueError):
    """The HTML is too long for a page."""


def render(text: str, language: str) -> str | None:
    """Return the text as safe HTML; None if it is not valid reStructuredText.

    `language` is "GFM", "CommonMark" or "rst"; or "file:app.py", for the text of a file with this name, for which it
    is also None if Pygments does not know such files. Raises TooLong, and whatever parsers raise.
    """
    if language.startswith(FILE):
        return _file(text, language.removeprefix(FILE))
    html = _html_of_rst(text) if language == "rst" else _html_of_markdown(text, language)
    if not html:
        return html
    if len(html) <= MAX_HTML_CHARS:
        html = CLEANER.clean(_Rewriter().rewritten(html))
    if len(html) > MAX_HTML_CHARS:
        raise TooLong(f"its HTML is longer than {MAX_HTML_CHARS:,} characters")
    return html


def _file(text: str, name: str) -> str | None:
    try:
        lexer = get_lexer_for_filename(name, stripnl=False)
    except ClassNotFound:
        return None
    return CLEANER.clean(
        f'<pre class="highlight"><code>{highlight(text, lexer, HtmlFormatter(nowrap=True))}</code></pre>'
    )


def _html_of_markdown(text: str, variant: str) -> str:
    return CODE.sub(_highlighted, markdown.variants[variant](text))


def _highlighted(code: re.Match[str]) -> str:
    try:
        lexer = get_lexer_by_name(unescape(code[1]), stripnl=False)
    except ClassNotFound:
        return code[0]
    html = highlight(unescape(code[2]), lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="highlight"><code>{html}</code></pre>'


@cache
def _rst_settings() -> Any:
    """Return readme_renderer's settings, which it would build for every text, in 1.5 ms."""
    settings = get_default_settings(Parser, Reader, Writer)
    vars(settings).update(rst.SETTINGS)
    settings.warning_stream = False
    settings.traceback = True  # otherwise docutils ends the process at the first error in a text
    settings.stylesheet_path = None  # it would be read for every text, for the head of a page
    return settings


class Translator(rst.ReadMeHTMLTranslator):
    """readme_renderer's translator, which opens no files."""

    def uri2path(self, *_: object, **__: object) -> NoReturn:
        """Refuse: docutils 0.23 asks for the path of a local file only to read it."""
        raise ValueError("a description reads no files")

    def dispatch_visit(self, node: Any) -> Any:
        """Visit a node as docutils does, without the sentence about each that nobody asks for."""
        visit: Any = getattr(self, f"visit_{node.__class__.__name__}", self.unknown_visit)
        return visit(node)

    def dispatch_departure(self, node: Any) -> Any:
        """Leave a node likewise."""
        depart: Any = getattr(self, f"depart_{node.__class__.__name__}", self.unknown_departure)
        return depart(node)


class FragmentWriter(Writer):
    """docutils' writer, which makes no whole page around the text."""

    def __init__(self) -> None:
        super().__init__()
        self.translator_class = Translator

    def apply_template(self) -> str:
        """Return nothing: only parts are used."""
        return ""


class _States(dict[str, Any]):
    """The states of one of docutils' machines, each made when it is first entered.

    docutils makes all 15 with all their transitions for every list, quote and table cell, and enters two or three.
    """

    def __init__(self, machine: Any, classes: Iterable[Any]) -> None:
        self._machine = machine
        self._classes = {each.__name__: each for each in classes}

    def __missing__(self, name: str) -> Any:
        state = self[name] = self._classes[name](self._machine, self._machine.debug)
        if getattr(self._machine, "memo", None):  # it runs already
            state.runtime_init()
        return state


def _add_states(machine: StateMachine, classes: Iterable[Any]) -> None:
    machine.states = _States(machine, classes)


def _unlink(state: State) -> None:
    """End a state so that it is freed at once, without the garbage collector: its transitions refer back to it."""
    state.state_machine = None
    state.transitions = {}


def _fast_findall(root: nodes.Node, cls: Any) -> Iterator[nodes.Node]:
    """Yield the nodes of some classes, as docutils does, but without a generator for each of those in between."""
    if isinstance(root, cls):
        yield root
    open_lists = [iter(root.children)]
    while open_lists:
        for node in open_lists[-1]:
            if isinstance(node, cls):
                yield node
            if node.children:
                open_lists.append(iter(node.children))
                break
        else:
            open_lists.pop()


# Together they save a third of the time that reStructuredText takes.
StateMachine.add_states = _add_states
State.unlink = _unlink
nodes.Node._fast_findall = _fast_findall


def _html_of_rst(text: str) -> str | None:
    writer = FragmentWriter()
    roles._roles.clear()  # docutils would keep the roles that a text defines for all later texts
    try:
        parts = publish_parts(text, writer=writer, settings=_rst_settings().copy())
    except SystemMessage:
        return None
    for node in [*writer.document.findall()]:
        vars(node).clear()  # nodes refer to their parents: without that they are freed at once
    return parts["docinfo"] + parts["fragment"] or None


class _Rewriter:
    """Writes HTML anew from what is allowed: everything is closed, and nothing is nested deeper than MAX_DEPTH.

    It takes 0.05 s for 600 kB, where BeautifulSoup takes 0.4 s to read and write them.
    """

    def __init__(self) -> None:
        self.out: list[str] = []
        self.open: list[tuple[str, str, int]] = []  # tag, its end tag, and where in `out` it starts
        self.tables = 0

    def rewritten(self, html: str) -> str:
        end, hidden = 0, ""
        for token in TOKEN.finditer(html):
            tag = (token[2] or "").lower()
            if not hidden:
                self._text(html[end : token.start()])
            end = token.end()
            if hidden:
                hidden = "" if token[1] and tag == hidden else hidden
            elif token[1]:
                self._end(tag)
            elif tag in {"script", "style"}:
                hidden = tag
            elif tag:
                self._start(tag, _attributes(token[3]))
        if not hidden:
            self._text(html[end:])
        while self.open:
            self._end(self.open[-1][0])
        return "".join(self.out)

    def _text(self, text: str) -> None:
        self.out.append(text.replace("<", "&lt;").replace(">", "&gt;"))

    def _start(self, tag: str, given: dict[str, str]) -> None:
        while self.open and self.open[-1][0] in ENDS.get(tag, ()):
            self._end(self.open[-1][0])
        if tag == "img":
            self._image(given)
        elif tag == "input" and given.get("type") == "checkbox":
            self.out.append("☑" if "checked" in given else "☐")
        elif tag == "a":
            if target := given.get("id") or given.get("name"):
                self.out.append(f'<span id="{_own_id(target)}"></span>')
            if href := _address(given.get("href", "")):
                title = _written(given | {"id": "", "class": ""}, "title")
                self._open("a", f'<a href="{escape(href)}"{title}>', "</a>")
        elif tag in {"br", "col", "hr"}:
            self.out.append(f"<{tag}>")
        elif tag in TAGS:
            name, before, after = TAGS[tag], "", ""
            if tag == "table":
                self.tables += 1
                label = f'tabindex="0" role="region" aria-label="Table {self.tables}"'
                before, after = f'<div class="table-scroll" {label}>', "</div>"
            self._open(tag, f"{before}<{name}{_written(given, *ATTRIBUTES)}>", f"</{name}>{after}")

    def _open(self, tag: str, opening: str, closing: str) -> None:
        if len(self.open) < MAX_DEPTH:
            self.open.append((tag, closing, len(self.out)))
            self.out.append(opening)

    def _end(self, tag: str) -> None:
        """Close the innermost `tag` and everything open within it, if there is one in this table cell."""
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                break
            if self.open[index][0] in {"td", "th"} and tag not in TABLE:
                return
        else:
            return
        for inner, closing, begin in reversed(self.open[index:]):
            if inner == "a" and not "".join(self.out[begin + 1 :]).strip():
                del self.out[begin:]  # headings link to themselves with links without text
            else:
                self.out.append(closing)
        del self.open[index:]

    def _image(self, given: dict[str, str]) -> None:
        """Pages load nothing from other hosts, so an image becomes a link, which the site may replace by a copy."""
        source, alt = given.get("src", "").strip(), given.get("alt", "").strip()
        if not alt or alt == source:  # docutils repeats the address
            path = "" if source.lower().startswith("data:") else re.split("[?#]", source)[0]
            alt = unquote(path.rstrip("/").rpartition("/")[2])
        href, width = _address(source) or "", given.get("width", "").removesuffix("px")
        width = f' data-width="{width}"' if WIDTH.fullmatch(width) else ""
        if not href.lower().startswith("http"):
            self.out.append(escape(alt))
        elif any(tag == "a" for tag, _, _ in self.open):
            self.out.append(f'<span class="description-image" data-image="{escape(href)}"{width}>{escape(alt)}</span>')
        else:
            self.out.append(f'<a class="description-image" href="{escape(href)}"{width}>{escape(alt)}</a>')


def _attributes(source: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in ATTRIBUTE.findall(source):
        given.setdefault(name.lower(), unescape(value[1:-1] if value[:1] in {'"', "'"} else value))
    return given


def _written(given: dict[str, str], *names: str) -> str:
    """Return the attributes to write: those listed, the id, and the allowed classes."""
    kept = {name: given[name] for name in names if name in given}
    if given.get("id"):
        kept["id"] = _own_id(given["id"])
    classes = [CLASSES[name] for name in given.get("class", "").split() if name in CLASSES]
    if classes:
        kept["class"] = " ".join(dict.fromkeys(classes))
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _own_id(name: str) -> str:
    """Return an id that cannot clash with the page's own."""
    return "user-content-" + re.sub("^(?:user-content-)+", "", name)


def _address(href: str) -> str | None:
    """Return the target of a link, or None: relative ones were meant for another site."""
    href = href.strip()
    if href.startswith("//"):
        href = f"https:{href}"
    if href.startswith("#") and len(href) > 1:
        return f"#{_own_id(href[1:])}"
    return href if LINK.match(href) else None
