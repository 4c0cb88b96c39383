"""`/ping` and `/health`: for monitoring."""

import time

from flask import Blueprint, Response, g, jsonify, make_response
from pymongo.errors import PyMongoError

from webapp.documents import SiteStats

bp = Blueprint("health", __name__)


@bp.before_request
def for_programs() -> None:
    """Errors here are JSON whatever the client accepts."""
    g.for_programs = True


@bp.get("/ping")
def ping() -> Response:
    """Answer that the site is alive, without a look at the database."""
    return _uncached(status="success", message="pong!")


@bp.get("/health")
def health() -> Response:
    """Answer how long the database took for a round trip, or 503 when it does not answer."""
    started = time.perf_counter()
    try:
        SiteStats._get_db().command("ping")
    except PyMongoError as error:
        response = _uncached(status="error", message=f"the database does not answer: {type(error).__name__}")
        response.status_code = 503
        response.headers["Retry-After"] = "5"
        return response
    return _uncached(status="success", database_ms=round((time.perf_counter() - started) * 1000, 2))


def _uncached(**content: str | float) -> Response:
    response = make_response(jsonify(content))
    response.headers["Cache-Control"] = "no-store"
    return response
