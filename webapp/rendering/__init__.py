"""Render descriptions and content pages (Markdown, reStructuredText, plain text) to safe HTML when they are stored.

Parsers run in child processes with limits (`pool.py`), using `markup.py`, which the site itself never imports.
"""

import atexit
import contextlib
import re
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from webapp.rendering.pool import Bounds, Outcome, Renderers, RenderersBusy

__all__ = [
    "RENDERER",
    "Rendered",
    "Renderers",
    "RenderersBusy",
    "end_children",
    "highlighted",
    "render_description",
    "render_markdown",
    "renderers",
]

# Stored next to the HTML, so that outdated HTML is recognized. Count up when `markup.py` writes different HTML.
RENDERER = f"readme_renderer {version('readme_renderer')} / larder 3"

_MARKUP = Path(__file__).with_name("markup.py")
_UNREADABLE = re.compile(r"[^\t\n\r\f\x20-\x7e\x85\xa0-\ud7ff\ue000-\U0010ffff]")
_COMMONMARK = re.compile(r'variant\s*=\s*"?commonmark')
# Half of the threads that a web process has by default.
_CHILDREN = 2


class Rendered(NamedTuple):
    """A text as safe HTML, or "" for an empty text.

    If the text could not be rendered within the limits, `problem` is a sentence for its author, and the HTML is the
    plain text. It is None if all went well, and if the text is not valid reStructuredText.
    """

    html: str
    problem: str | None = None


def renderers(most: int) -> Renderers:
    """Return a separate pool of up to `most` children, to render many texts. Close it at the end."""
    return Renderers(_MARKUP, most)


_shared = renderers(_CHILDREN)
# A child of its own, so that readers of files do not keep authors from publishing.
_of_files = Renderers(_MARKUP, 1, Bounds(cpu_s=2.0, wall_s=5.0))
# Longer texts of files are shown without colours.
MAX_HIGHLIGHTED_CHARS = 64_000


def end_children() -> None:
    """End idle children, in a process that will not render anything for some time."""
    _shared.close()
    _of_files.close()


atexit.register(end_children)


def render_description(text: str, content_type: str | None, children: Renderers | None = None) -> Rendered:
    """Render a text outside of this process. Raises RenderersBusy, and nothing else, whatever the text is.

    `content_type` is core metadata's Description-Content-Type. Without one, or with an unknown one, the text is
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


def highlighted(text: str, filename: str, children: Renderers | None = None) -> str:
    """Return the text of a file as safe HTML, with the colours of its language if there is time for them."""
    text = _UNREADABLE.sub("\ufffd", text)
    html = None
    if len(text) <= MAX_HIGHLIGHTED_CHARS:
        with contextlib.suppress(RenderersBusy):
            html = (children or _of_files).render(text, f"file:{filename}").html
    return html or f'<pre class="highlight"><code>{escape(text)}</code></pre>'


def _language(content_type: str | None) -> str | None:
    """Return `markup.render`'s name for the language of a content type; None for plain text."""
    media_type, _, parameters = (content_type or "").lower().partition(";")
    if media_type.strip() == "text/markdown":
        return "CommonMark" if _COMMONMARK.search(parameters) else "GFM"
    return None if media_type.strip() == "text/plain" else "rst"
