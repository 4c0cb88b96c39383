"""Content pages, at any path that no other room answers."""

from flask import Blueprint, Response, abort

from webapp.documents import Page
from webapp.serving.public_pages import public, render_public

bp = Blueprint("pages", __name__)


@bp.get("/<path:path>")
@public
def page(path: str) -> Response:
    """The page that the site's people wrote for this path."""
    found = Page.objects(pk=path).exclude("content").plain_first()
    if found is None:
        abort(404)
    return render_public("pages/page.html", page=found)
