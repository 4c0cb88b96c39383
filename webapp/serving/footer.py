"""The content pages that the footer of every page links to."""

import time

import pymongo
from flask import Flask, current_app
from pymongo.errors import PyMongoError
from werkzeug.exceptions import HTTPException

from webapp.documents import Page
from webapp.documents.base import Plain
from webapp.documents.hidden import is_stranger
from webapp.mongodb import connection
from webapp.serving.per_app import PerApp

# How long a process shows what it knows. A new link shows as soon as an edit by hand does.
KNOWN_S = 5
# How long a page waits for its footer; a server that was frozen a moment ago looks like one that is there.
PATIENCE_S = 0.25
MAX_LINKS = 20
# Browsers go up a level for these.
_STEPS = {".", ".."}


class Footer:
    """The path and title of each page in the footer, in the order of their titles.

    Every page needs them, so they are asked for once in some seconds, and no page waits long for that.
    """

    def __init__(self) -> None:
        self._pages: list[Plain] = []
        self._asked_at: float | None = None

    def pages(self) -> list[Plain]:
        """Return them: [{path, title}]. Strangers on a site for members, who could not read the pages, get none."""
        if is_stranger():
            return []
        is_known = self._asked_at is not None and time.monotonic() - self._asked_at < KNOWN_S
        if not is_known and connection.is_there():
            self._asked_at = time.monotonic()  # others use what is known meanwhile
            try:
                with pymongo.timeout(PATIENCE_S):
                    found = Page.objects.in_footer().only("path", "title").limit(MAX_LINKS).plain()
                self._pages = [_link(page) for page in found if _leads_there(page["path"])]
            except PyMongoError:
                pass  # what was known still stands, and a page that needs the database says so itself
        return self._pages

    @property
    def digest(self) -> bytes:
        """Return bytes that change with the links, for the ETag of each page."""
        return repr(self.pages()).encode()


def _link(page: Plain) -> Plain:
    title = page.get("title", "")
    is_visible = any(letter.isprintable() and not letter.isspace() for letter in title)
    return {"path": page["path"], "title": title if is_visible else page["path"]}


def _leads_there(path: str) -> bool:
    """Tell whether a link to this path shows the page: paths that were edited by hand may be anything."""
    if not path.strip() or not path.isprintable() or _STEPS & set(path.split("/")):
        return False
    try:
        found = current_app.url_map.bind("").match(f"/{path}", method="GET")
    except HTTPException:
        return False
    return found == ("pages.page", {"path": path})


footer = PerApp[Footer]("footer")


def init_app(app: Flask) -> None:
    """Offer the links to templates."""
    app.add_template_global(lambda: footer().pages(), "footer_pages")
    footer.set(app, Footer())
