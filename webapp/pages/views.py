"""Content pages, at any path that no other room uses."""

from flask import Blueprint, Response, abort

from webapp.documents import Page
from webapp.serving.public_pages import public, render_public

bp = Blueprint("pages", __name__)


@bp.get("/<path:path>")
@public
def page(path: str) -> Response:
    """Show the content page with this path."""
    found = Page.objects(pk=path).exclude("content").plain_first()
    if found is None:
        abort(404)
    return render_public("pages/page.html", page=found)
