"""`/search/`."""

from flask import Blueprint, Response, abort, request

from webapp.pagination import MAX_ITEMS, paginate
from webapp.public_pages import public, render_public
from webapp.search.forms import MAX_QUERY_LENGTH, SearchForm
from webapp.search.questions import questions_for

bp = Blueprint("search", __name__)


@bp.get("/search/")
@public
def search() -> Response:
    """The projects that a query finds."""
    form = SearchForm(request.args)
    if not form.validate():
        abort(413, f"A search has at most {MAX_QUERY_LENGTH:,} characters.")
    query = form.q.data
    found = paginate(questions_for(query))
    return render_public("search/results.html", query=query, found=found, max_items=MAX_ITEMS)
