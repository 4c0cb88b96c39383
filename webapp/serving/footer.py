"""The content pages that the footer of every page links to."""

import time

from flask import Flask
from pymongo.errors import PyMongoError

from webapp.documents import Page
from webapp.documents.base import Plain
from webapp.serving.per_app import PerApp

# How long a process shows what it knows. A new link shows as soon as an edit by hand does.
KNOWN_S = 5
MAX_LINKS = 20


class Footer:
    """The path and title of each page in the footer, in the order of their titles.

    Every page needs them, so they are asked for once in some seconds, and a database that does not answer costs no page
    its footer.
    """

    def __init__(self) -> None:
        self._pages: list[Plain] = []
        self._asked_at: float | None = None

    def pages(self) -> list[Plain]:
        """Return them: [{path, title}]."""
        if self._asked_at is None or time.monotonic() - self._asked_at > KNOWN_S:
            self._asked_at = time.monotonic()  # others use what is known meanwhile
            try:
                found = Page.objects.in_footer().only("path", "title").limit(MAX_LINKS).plain()
                self._pages = [{"path": page["path"], "title": page.get("title") or page["path"]} for page in found]
            except PyMongoError:
                pass  # the page itself tells of it, if it needs the database
        return self._pages

    @property
    def digest(self) -> bytes:
        """Return bytes that change with the links, for the ETag of each page."""
        return repr(self.pages()).encode()


footer = PerApp[Footer]("footer")


def init_app(app: Flask) -> None:
    """Offer the links to templates."""
    app.add_template_global(lambda: footer().pages(), "footer_pages")
    footer.set(app, Footer())
