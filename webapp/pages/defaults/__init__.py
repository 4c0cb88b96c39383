"""The content pages that a new site starts with: Markdown files beside this one."""

from pathlib import Path

from webapp.documents import Page
from webapp.pages.markdown_files import page_from_file

FOLDER = Path(__file__).parent


def add_default_pages() -> None:
    """Store the first content pages in a site that has none at all; a page that somebody deleted stays deleted."""
    if not Page.objects.count_up_to(1):
        for file in sorted(FOLDER.rglob("*.md")):
            page_from_file(file, FOLDER).save()
