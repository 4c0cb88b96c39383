"""`/search/`."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState

from webapp.changes import search_index
from webapp.documents import SearchEntry
from webapp.members.limits import count_by_address
from webapp.rules import naming, pasted, wording
from webapp.search import spelling
from webapp.search.finding import ORDERS, Search
from webapp.search.forms import MAX_QUERY_LENGTH, SearchForm, filters_of
from webapp.search.frequencies import Frequencies, frequencies
from webapp.search.marking import marked
from webapp.search.parsing import parse
from webapp.search.results import Found
from webapp.search.terms import Filters
from webapp.serving import affected_releases
from webapp.serving.filters import project_link
from webapp.serving.pagination import MAX_ITEMS, page_number
from webapp.serving.per_app import PerApp
from webapp.serving.public_pages import public, render_public

bp = Blueprint("search", __name__)
bp.add_app_template_filter(marked)


catching_up = PerApp[search_index.CatchingUp]("catching_up")


@bp.record_once
def _prepare(setup: BlueprintSetupState) -> None:
    catching_up.set(setup.app, search_index.CatchingUp())
    frequencies.set(setup.app, Frequencies())


# The heading of each group of filters, and how many of them are offered.
GROUPS = {"license": ("Licence", 8), "language": ("Language", 8), "classifier": ("Classifier", 10)}
SUGGESTED = 8
SUGGESTIONS_MAX_AGE_S = 60
RECENT = "Released in the last year"


@bp.get("/search/")
@public
def search() -> Response:
    """Show the projects that match a query."""
    form = SearchForm(request.args)
    if not form.validate():
        abort(413, f"A search can have at most {MAX_QUERY_LENGTH:,} characters.")
    order = request.args.get("order", "relevance")
    if order not in ORDERS:
        abort(400, f"Choose one of these orders: {', '.join(ORDERS)}.")
    count_by_address("SEARCH_LIMIT")
    catching_up().in_background(current_app.config["STATS_MAX_AGE_S"])
    text, filters, number = form.q.data, filters_of(request.args), page_number()
    query = parse(text)
    asked = Search(query, filters, order)
    found, meant = asked.page(number), None
    if number == 1 and found.total < spelling.FEW:
        meant = spelling.hint(query, asked.frequencies, found.exact_releases, begins=found.begins)
        better = Search(parse(meant), filters, order).page(1) if meant else None
        if better is None or not better.total:
            meant = None
        elif meant and not found.total:
            found, text, query = better._replace(is_instead=True), meant, parse(meant)
    if not found.total and asked.has_parts:
        found = asked.page_of_some(number)
    return render_public(
        "search/results.html",
        query=form.q.data,
        meant=meant,
        meant_address=_address(meant, filters, order) if meant else None,
        found=found._asdict(),
        advised=affected_releases.marks(found.items, "newest_release" if order == "updated" else "latest"),
        marked=list(query.words) if not query.is_empty else [],
        letters=wording.letters(query.text),
        arguments=_arguments(text, filters, order),
        chosen=list(_chosen(text, filters, order)),
        groups=list(_offered(text, filters, order, found)),
        orders=[(key, label, _address(text, filters, key)) for key, (label, _) in ORDERS.items()],
        order=order,
        max_items=MAX_ITEMS,
    )


def _arguments(text: str, filters: Filters, order: str) -> dict[str, Any]:
    """Return the query string of these results, without defaults."""
    values = {
        "q": text,
        "license": filters.license,
        "classifier": list(filters.classifiers),
        "language": list(filters.languages),
        "recent": "1" if filters.recent else "",
        "order": order if order != "relevance" else "",
    }
    return {key: value for key, value in values.items() if value}


def _address(text: str, filters: Filters, order: str) -> str:
    # url_for takes five times as long, and a page has forty of these.
    return f"{request.script_root}{request.path}?{urlencode(_arguments(text, filters, order), doseq=True)}"


def _chosen(text: str, filters: Filters, order: str) -> Iterator[tuple[str, str]]:
    """Yield each active filter, and the address without it."""
    if filters.recent:
        yield RECENT, _address(text, filters._replace(recent=False), order)
    if filters.license:
        yield filters.license, _address(text, filters._replace(license=""), order)
    for each in filters.languages:
        others = tuple(language for language in filters.languages if language != each)
        yield each, _address(text, filters._replace(languages=others), order)
    for each in filters.classifiers:
        others = tuple(classifier for classifier in filters.classifiers if classifier != each)
        yield each, _address(text, filters._replace(classifiers=others), order)


def _offered(text: str, filters: Filters, order: str, found: Found) -> Iterator[dict[str, Any]]:
    """Yield the groups of filters that would narrow these results: each value, its count, and the address with it."""
    recent = found.facets["recent"][0][1]
    if recent and not filters.recent:
        address = _address(text, filters._replace(recent=True), order)
        yield {"name": "Activity", "values": [(RECENT, recent, address)]}
    taken = {"license": filters.license, "language": filters.languages, "classifier": filters.classifiers}
    for kind, (name, most) in GROUPS.items():
        if kind == "license" and filters.license:
            continue
        values = [(value, count) for value, count in found.facets[kind] if value not in taken[kind]][:most]
        if values:
            offered = [(value, count, _address(text, _with(filters, kind, value), order)) for value, count in values]
            yield {"name": name, "values": offered}


def _with(filters: Filters, kind: str, value: str) -> Filters:
    if kind == "license":
        return filters._replace(license=value)
    if kind == "language":
        return filters._replace(languages=(*filters.languages, value))
    return filters._replace(classifiers=(*filters.classifiers, value))


@bp.get("/search/suggest")
@public
def suggest() -> Response:
    """Return the first names that start with a text, and their addresses, as JSON.

    {"q": "fla", "names": ["Flask", ...], "addresses": ["/project/flask/", ...]}. If none does, it is the most similar
    name. A pasted requirement counts as the name in it.
    """
    text = request.args.get("q", "")
    if len(text) > MAX_QUERY_LENGTH:
        abort(413, f"A search can have at most {MAX_QUERY_LENGTH:,} characters.")
    count_by_address("SUGGESTION_LIMIT")
    wanted = pasted.required_name(text) or text
    names = SearchEntry.objects.names_beginning(wanted, SUGGESTED)
    if not names and (near := SearchEntry.objects.nearest_name(wording.letters(wanted))):
        names = [near.text]
    response = jsonify(q=text, names=names, addresses=[project_link(naming.normalize_name(name)) for name in names])
    response.cache_control.max_age = SUGGESTIONS_MAX_AGE_S
    return response
