"""Descriptions and content pages (Markdown, reStructuredText, plain text) become safe HTML, when they are stored.

Parsers run in child processes with bounds (`pool.py`); what they do there is in `markup.py`, which the site itself
never imports.
"""

import atexit
import re
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from webapp.rendering.pool import Outcome, Renderers, RenderersBusy

__all__ = [
    "RENDERER",
    "Rendered",
    "Renderers",
    "RenderersBusy",
    "end_children",
    "render_description",
    "render_markdown",
    "renderers",
]

# Stored beside the HTML, so that stale HTML is found. Count up when `markup.py` writes other HTML.
RENDERER = f"readme_renderer {version('readme_renderer')} / larder 2"

_MARKUP = Path(__file__).with_name("markup.py")
_UNREADABLE = re.compile(r"[^\t\n\r\f\x20-\x7e\x85\xa0-\ud7ff\ue000-\U0010ffff]")
_COMMONMARK = re.compile(r'variant\s*=\s*"?commonmark')
# Half of the threads that a web process has by default.
_CHILDREN = 2


class Rendered(NamedTuple):
    """A text as HTML that is safe to show, "" if it says nothing.

    `problem` is a sentence for its author when the text could not be rendered within the bounds; the HTML is the plain
    text then. It is None when all is well, and when the text is not valid reStructuredText.
    """

    html: str
    problem: str | None = None


def renderers(most: int) -> Renderers:
    """Return children of one's own, up to `most`, to render many texts with. Close them when all is done."""
    return Renderers(_MARKUP, most)


_shared = renderers(_CHILDREN)


def end_children() -> None:
    """End the children that wait for a text, in a process that has nothing to render for long."""
    _shared.close()


atexit.register(end_children)


def render_description(text: str, content_type: str | None, children: Renderers | None = None) -> Rendered:
    """Render a text outside of this process. Raises RenderersBusy, and nothing else, whatever the text is.

    `content_type` is core metadata's Description-Content-Type. Text without one, or with one that is unknown, is
    reStructuredText if it parses as such, and plain text otherwise. Rendering takes 20 ms, and up to 30 s at worst: do
    it before a write, and hold no lock.
    """
    text = _UNREADABLE.sub("\ufffd", text.removeprefix("\ufeff"))
    if text.strip() in {"", "UNKNOWN"}:
        return Rendered("")
    language = _language(content_type)
    outcome = (children or _shared).render(text, language) if language else Outcome(None)
    if outcome.html is not None:
        return Rendered(outcome.html)
    plain = f'<pre class="description-plain">{escape(text)}</pre>'
    return Rendered(plain, f"It is shown as plain text: {outcome.problem}." if outcome.problem else None)


def render_markdown(text: str) -> Rendered:
    """Render the Markdown of a content page. Raises RenderersBusy."""
    return render_description(text, "text/markdown")


def _language(content_type: str | None) -> str | None:
    """Return what `markup.render` calls the language of a content type; None for plain text."""
    media_type, _, parameters = (content_type or "").lower().partition(";")
    if media_type.strip() == "text/markdown":
        return "CommonMark" if _COMMONMARK.search(parameters) else "GFM"
    return None if media_type.strip() == "text/plain" else "rst"
