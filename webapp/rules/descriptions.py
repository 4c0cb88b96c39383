"""A description (Markdown, reStructuredText, plain text) becomes safe HTML once, when it is stored.

Anybody may have written the text. So a parser's HTML is not passed on: `_Rewriter` writes it anew
from what is allowed here, and nh3 checks the result. Text that its parser refuses, or that would
cost too much, is shown as it is.
"""

# docutils and Pygments carry no type hints.
# mypy: disable-error-code="import-untyped", allow-subclassing-any

import logging
import re
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from importlib.metadata import version
from threading import Lock
from typing import Any, NoReturn
from urllib.parse import unquote

import nh3
from docutils import nodes
from docutils.core import publish_parts
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser, roles
from docutils.readers.standalone import Reader
from docutils.transforms import Transform
from docutils.transforms.misc import ClassAttribute
from docutils.utils import SystemMessage
from docutils.writers.html5_polyglot import Writer
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound
from readme_renderer import markdown, rst
from readme_renderer.clean import ALLOWED_TAGS

log = logging.getLogger(__name__)

# Stored beside the HTML, so that stale HTML is found. Count up when this module writes other HTML.
RENDERER = f"readme_renderer {version('readme_renderer')} / larder 1"

# The longest of 72 well-known projects' descriptions has 30,000 characters, 100,000 as HTML. The
# costliest texts known to pass these limits take 7 s; without them, minutes, or all of the memory.
MAX_MARKDOWN_CHARS = 200_000
MAX_RST_CHARS = 100_000
MAX_HTML_CHARS = 2_000_000
MAX_DEPTH = 100
# comrak's time grows with the square of equal headings: 0.1 s for 2,000, 10 s for 20,000.
MAX_HEADINGS = 2_000

# The classes that are kept, and what is written for each; Bootstrap styles none of them.
ADMONITIONS = "attention caution danger error hint important note tip warning"
CLASSES = {name: name for name in STANDARD_TYPES.values() if name}
CLASSES |= {name: name for name in ["admonition", "admonition-title", *ADMONITIONS.split()]}
CLASSES |= {"code": "highlight", "highlight": "highlight"}
# The tags that are kept, and what is written for each: headings stand below the page's own.
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

# These take time in proportion to the text, whatever it is: possessive, and no "<" within a tag.
TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*>?"
    r"""|<(/?)([a-z][\w:-]*+)((?:[^<>"']|"[^<"]*"|'[^<']*')*+)>""",
    re.IGNORECASE | re.DOTALL,
)
ATTRIBUTE = re.compile(r"""([a-zA-Z][\w-]*+)(?:\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+))?""")
CODE = re.compile(r'<pre><code class="language-([^"<>]+)">([^<]*)</code></pre>')
UNREADABLE = re.compile(r"[^\t\n\r\f\x20-\x7e\x85\xa0-\ud7ff\ue000-\U0010ffff]")
DEEP_QUOTE = re.compile(r">(?:[ \t]*+>){99}")
HEADING = re.compile("<h[1-6]")
LINK = re.compile(r"(?:https?://|mailto:)[^\s/]", re.IGNORECASE)

CLEANER = nh3.Cleaner(
    tags=set(TAGS.values()),
    attributes={
        "*": {*ATTRIBUTES, "class", "id"},
        "a": {"href"},
        "div": {"aria-label", "role", "tabindex"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow noopener",
)


class Refused(ValueError):
    """A text that says nothing once parsed, or would take time or memory out of all proportion."""


def render_description(text: str, content_type: str | None) -> str:
    """Return `text` as HTML that is safe to show, "" if it says nothing. Never raises.

    `content_type` is core metadata's Description-Content-Type. Text without one, or with one that
    is unknown, is reStructuredText if it parses as such, and plain text otherwise.
    """
    text = UNREADABLE.sub("\ufffd", text)
    if text.strip() in {"", "UNKNOWN"}:
        return ""
    media_type, _, parameters = (content_type or "").lower().partition(";")
    html = None
    if media_type.strip() == "text/markdown":
        variant = "CommonMark" if re.search(r'variant\s*=\s*"?commonmark', parameters) else "GFM"
        html = _rendered(lambda: _html_of_markdown(text, variant))
    elif media_type.strip() != "text/plain":
        html = _rendered(lambda: _html_of_rst(text))
    return f'<pre class="description-plain">{escape(text)}</pre>' if html is None else html


def render_markdown(text: str) -> str:
    """Return the Markdown of a content page as safe HTML. Never raises."""
    return render_description(text, "text/markdown")


def _rendered(parse: Callable[[], str]) -> str | None:
    """Return safe HTML, or None if the text is refused."""
    try:
        html: str | None = parse()
        if html and len(html) <= MAX_HTML_CHARS:
            html = CLEANER.clean(_Rewriter().rewritten(html))
    except (SystemMessage, Refused):
        return None
    except Exception as error:  # noqa: BLE001 (parsers fail in many ways: RecursionError, ...)
        log.warning("A description is shown as plain text: %r", error)
        return None
    return html if html is None or len(html) <= MAX_HTML_CHARS else None


def _html_of_markdown(text: str, variant: str) -> str:
    if len(text) > MAX_MARKDOWN_CHARS or DEEP_QUOTE.search(text):
        raise Refused
    if len(HEADING.findall(markdown.variants["CommonMark"](text))) > MAX_HEADINGS:
        raise Refused
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
    """Return readme_renderer's settings, which it builds anew for every text, in 1.5 ms."""
    settings = get_default_settings(Parser, Reader, Writer)
    vars(settings).update(rst.SETTINGS)
    settings.warning_stream = False
    settings.traceback = True  # otherwise docutils ends the process at the first error of a text
    settings.line_length_limit = 5_000  # its regular expressions take the square of this
    return settings


class _Limits(Transform):
    """Refuse what multiplies: substitutions within substitutions, tables of contents in numbers."""

    default_priority = 200  # docutils substitutes at 220

    def apply(self) -> None:
        find = self.document.findall
        definitions = list(find(nodes.substitution_definition))
        nested = [ref for one in definitions for ref in one.findall(nodes.substitution_reference)]
        longest = max((len(one.rawsource) for one in definitions), default=0)
        uses = len(list(find(nodes.substitution_reference)))
        if len(nested) > 5 or longest * uses > MAX_RST_CHARS:
            raise Refused
        pending = list(find(nodes.pending))
        contents = [one for one in pending if one.transform is not ClassAttribute]
        if len(contents) > 3 or len(pending) > 300 or len(list(find(nodes.target))) > 1_000:
            raise Refused


class _Reader(Reader):
    def get_transforms(self) -> list[type[Transform]]:
        return [*super().get_transforms(), _Limits]


class _Translator(rst.ReadMeHTMLTranslator):
    def uri2path(self, *_: object, **__: object) -> NoReturn:
        """Refuse to embed: an image's `:loading: embed` reads any file, also /dev/zero.

        docutils 0.23 does so whatever its setting file_insertion_enabled says.
        """
        raise ValueError("a description embeds no files")


# docutils keeps the roles that a text defines for all later texts: each text starts without any.
_docutils_lock = Lock()


def _html_of_rst(text: str) -> str:
    if len(text) > MAX_RST_CHARS:
        raise Refused
    writer = Writer()
    writer.translator_class = _Translator
    with _docutils_lock:
        roles._roles.clear()
        settings = _rst_settings().copy()
        parts = publish_parts(text, reader=_Reader(), writer=writer, settings=settings)
    html: str = parts["docinfo"] + parts["fragment"]
    if not html:
        raise Refused
    return html


class _Rewriter:
    """Writes HTML anew from what is allowed: all is closed, nothing stands deeper than MAX_DEPTH.

    nh3 needs that: 250 kB of unclosed tags keep it busy for minutes and fill the memory. It takes
    0.05 s for 600 kB, where BeautifulSoup takes 0.4 s to read and write them.
    """

    def __init__(self) -> None:
        self.out: list[str] = []
        self.open: list[tuple[str, str, int]] = []  # tag, what closes it, where in `out` it begins
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
        """Close the innermost `tag` and what is open within, if there is one in this table cell."""
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                break
            if self.open[index][0] in {"td", "th"} and tag not in TABLE:
                return
        else:
            return
        for inner, closing, begin in reversed(self.open[index:]):
            if inner == "a" and not "".join(self.out[begin + 1 :]).strip():
                del self.out[begin:]  # headings link to themselves by links without a text
            else:
                self.out.append(closing)
        del self.open[index:]

    def _image(self, given: dict[str, str]) -> None:
        """The site loads nothing from other hosts, so an image is a link to it."""
        source, alt = given.get("src", "").strip(), given.get("alt", "").strip()
        if not alt or alt == source:  # docutils repeats the address
            path = "" if source.lower().startswith("data:") else re.split("[?#]", source)[0]
            alt = unquote(path.rstrip("/").rpartition("/")[2])
        href = _address(source) or ""
        if not href.lower().startswith("http"):
            self.out.append(escape(alt))
        elif any(tag == "a" for tag, _, _ in self.open):
            self.out.append(f'<span class="description-image">{escape(alt)}</span>')
        else:
            self.out.append(f'<a class="description-image" href="{escape(href)}">{escape(alt)}</a>')


def _attributes(source: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in ATTRIBUTE.findall(source):
        given.setdefault(name.lower(), unescape(value[1:-1] if value[:1] in {'"', "'"} else value))
    return given


def _written(given: dict[str, str], *names: str) -> str:
    """Return the attributes to write: those named, the id, and the classes of CLASSES."""
    kept = {name: given[name] for name in names if name in given}
    if given.get("id"):
        kept["id"] = _own_id(given["id"])
    classes = [CLASSES[name] for name in given.get("class", "").split() if name in CLASSES]
    if classes:
        kept["class"] = " ".join(dict.fromkeys(classes))
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _own_id(name: str) -> str:
    """Return an id that is none of the page's own."""
    return "user-content-" + re.sub("^(?:user-content-)+", "", name)


def _address(href: str) -> str | None:
    """Return where a link leads, None if nowhere: relative ones were meant for another site."""
    href = href.strip()
    if href.startswith("//"):
        href = f"https:{href}"
    if href.startswith("#") and len(href) > 1:
        return f"#{_own_id(href[1:])}"
    return href if LINK.match(href) else None
