"""Content pages as Markdown files: the first line is the title, "# Title", the rest is the content."""

from pathlib import Path

from webapp.documents import Page
from webapp.documents.base import utc_now
from webapp.rendering import RENDERER, render_markdown


class NoTitle(ValueError):
    """The file does not start with a title."""


def page_from_file(file: Path, folder: Path) -> Page:
    """Return the page in a file. Its path below the folder becomes the page's path. Raises NoTitle."""
    path = file.relative_to(folder).with_suffix("").as_posix()
    first, _, content = file.read_text(encoding="utf-8").partition("\n")
    if not first.startswith("# ") or not first[2:].strip():
        raise NoTitle('the first line must be the title, as in "# Our history"')
    rendered = render_markdown(content)
    stored = Page.objects(pk=path).only("created_date", "in_footer").first()
    now = utc_now()
    return Page(
        path=path,
        title=first[2:].strip(),
        in_footer=stored.in_footer if stored else None,
        content=content.strip("\n"),
        content_html=rendered.html,
        content_problem=rendered.problem,
        content_renderer=RENDERER,
        created_date=stored.created_date if stored else now,
        updated_date=now,
    )


def page_to_text(page: Page) -> str:
    """Return the text of a file for this page."""
    return f"# {page.title}\n\n{page.content or ''}\n"
