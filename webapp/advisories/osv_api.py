"""OSV's API, as `uv audit` and `pip-audit` use it: `/osv/v1/query`, `/osv/v1/querybatch` and `/osv/v1/vulns/<id>`.

Source: https://google.github.io/osv.dev/api/. pip-audit sends no Content-Type, so a body is read as JSON in any case.
Errors have the form of OSV's own: {"code": 3, "message": "..."}.
"""

import time
from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import TooManyRequests

from webapp.advisories import questions
from webapp.advisories.blueprint import bp
from webapp.advisories.questions import BadQuery, Query
from webapp.documents import Advisory
from webapp.documents.advisory import AdvisoryQuerySet
from webapp.documents.base import Plain
from webapp.members.limits import count_by_address
from webapp.serving.extensions import csrf
from webapp.serving.public_pages import public

# As many advisories as OSV returns for a query, and for all queries of a batch.
PAGE = 1000
BATCH_PAGE = 3000
# Processor time after which the rest of a batch is left for the next page. An audit of 1,000 projects, of which 100
# have advisories, takes a fifth of that; only a made-up batch takes more.
MOST_CPU_S = 0.25
# The codes of gRPC that OSV's errors carry.
INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED = 3, 5, 8


@bp.post("/osv/v1/query")
def query() -> Response:
    """Return the advisories that affect one version of a project, as whole records."""
    count_by_address("OSV_LIMIT")
    asked = questions.query_of(_body())
    if asked.name is None:
        return _json({})
    page = _about(asked).only("record").limit(PAGE + 1).plain()
    answer: Plain = {"vulns": [each["record"] for each in page[:PAGE] if "record" in each]} if page else {}
    if len(page) > PAGE:
        answer["next_page_token"] = questions.page_token(page[PAGE - 1]["id"])
    return _json(answer)


@bp.post("/osv/v1/querybatch")
def querybatch() -> Response:
    """Return the ids of the advisories that affect some versions, in the order of the queries."""
    count_by_address("OSV_LIMIT")
    asked = questions.batch_of(_body())
    return _json({"results": list(_results(asked))})


@bp.get("/osv/v1/vulns/<advisory_id>")
@public
def vuln(advisory_id: str) -> Response:
    """Return one record, withdrawn or not."""
    found = Advisory.objects(pk=advisory_id).only("record").plain_first()
    if found is None:
        return _error(NOT_FOUND, "Bug not found.", 404)
    return _json(found.get("record", {}))


# Programs send no cookies, and nothing is changed.
csrf.exempt(query)
csrf.exempt(querybatch)


@bp.errorhandler(BadQuery)
def bad_query(error: BadQuery) -> Response:
    """Answer 400 with the reason."""
    return _error(INVALID_ARGUMENT, str(error), 400)


@bp.errorhandler(TooManyRequests)
def too_many(error: TooManyRequests) -> Response:
    """Answer 429, with the time to wait."""
    response = _error(RESOURCE_EXHAUSTED, error.description or "Too many requests.", 429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _results(queries: list[Query]) -> Iterator[Plain]:
    known = Advisory.objects.known(each.name for each in queries if each.name)
    left, enough, is_late = BATCH_PAGE, time.thread_time() + MOST_CPU_S, False
    for each in queries:
        if each.name not in known:
            yield {}
        elif is_late or left == 0:
            yield {"next_page_token": questions.page_token(each.after)}
        else:
            most = min(PAGE, left)
            found = _about(each).only("modified").limit(most + 1).plain()
            ids = [{"id": vuln["id"], "modified": vuln.get("modified", "")} for vuln in found[:most]]
            left -= len(ids)
            result: Plain = {"vulns": ids} if ids else {}
            if len(found) > most:
                result["next_page_token"] = questions.page_token(ids[-1]["id"])
            yield result
            # Only after an answer, so that each page brings a client forward.
            is_late = time.thread_time() > enough


def _about(asked: Query) -> AdvisoryQuerySet:
    """The standing advisories that a query is about, in the order of their ids, from where it continues."""
    about: AdvisoryQuerySet = Advisory.objects
    about = about.about([asked.name or ""]) if asked.key is None else about.affecting(asked.name or "", asked.key)
    return about.standing().filter(pk__gt=asked.after).order_by("pk")


def _body() -> Any:
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise BadQuery(f"Invalid query: the body is not JSON: {error}.") from None


def _json(value: Plain, status: int = 200) -> Response:
    # A record edited by hand may have values that JSON does not know.
    return Response(orjson.dumps(value, default=str), status, mimetype="application/json")


def _error(code: int, message: str, status: int) -> Response:
    return _json({"code": code, "message": message}, status)
