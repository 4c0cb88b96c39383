"""Page numbers in URLs, and the pages they lead to."""

from typing import Any

from flask import abort, request
from mongoengine import QuerySet

PER_PAGE = 20
# Nobody pages deeper than this; narrowing the query is faster.
MAX_ITEMS = 10_000
# Counting this many keys of an index takes 1 ms. Beyond that, slightly old numbers do no harm.
KNOWN_ENOUGH = 1000


def page_number() -> int:
    """Return the number in `?page=`, or 1 if there is none.

    Answers 400 if it is not a valid page number.
    """
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdecimal()) or len(text) > 12 or int(text) < 1:
        abort(400, "A page number is a whole number from 1 on.")
    return int(text)


def paginate(questions: list[QuerySet], per_page: int = PER_PAGE, *, known: int = 0) -> dict[str, Any]:
    """Return one page of the results of some queries, one query after the other.

    The dictionary has `items`, `page`, `pages`, `total`, and `more` if there are more than MAX_ITEMS, where the total
    stops. A page past the end answers 404. `known` is the number of results of a single query, as counted earlier; a
    large number is not counted again.
    """
    page = page_number()
    if known > KNOWN_ENOUGH and len(questions) == 1:
        counts = [known]
    else:
        counts = [question.count_up_to(MAX_ITEMS + 1) for question in questions]
    found = sum(counts)
    total = min(found, MAX_ITEMS)
    pages = max(1, -(-total // per_page))
    if page > pages:
        abort(404, f"This list has only {pages} pages." if pages > 1 else "This list has only one page.")
    items: list[dict[str, Any]] = []
    skip, wanted = (page - 1) * per_page, per_page
    for question, count in zip(questions, counts, strict=True):
        if wanted and skip < count:
            items += question.skip(skip).limit(wanted).plain()
            wanted = per_page - len(items)
        skip = max(0, skip - count)
    return {"items": items, "page": page, "pages": pages, "total": total, "more": found > MAX_ITEMS}


def page_numbers(page: int, pages: int) -> list[int | None]:
    """Return the page numbers to offer, with None for a gap: [1, None, 7, 8, 9, None, 20]."""
    near = sorted({1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)})
    numbers: list[int | None] = []
    for number in near:
        if numbers and number - (numbers[-1] or 0) == 2:
            numbers.append(number - 1)
        elif numbers and number - (numbers[-1] or 0) > 2:
            numbers.append(None)
        numbers.append(number)
    return numbers
