"""The content pages of a new site: Markdown files in this folder."""

from contextlib import suppress
from pathlib import Path

from mongoengine.errors import NotUniqueError

from webapp.documents import Page
from webapp.pages.markdown_files import page_from_file

FOLDER = Path(__file__).parent


def add_default_pages() -> None:
    """Store the first content pages, if the site has none at all; deleted pages stay deleted."""
    if not Page.objects.count_up_to(1):
        for file in sorted(FOLDER.rglob("*.md")):
            with suppress(NotUniqueError):  # another site that starts at the same moment was faster
                page_from_file(file, FOLDER).save(force_insert=True)
