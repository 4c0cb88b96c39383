"""`/health` and `/ready`, for monitoring, and `/ping`, as the old site answered it."""

import time

import pymongo
from flask import Blueprint, Response, jsonify, make_response
from pymongo.errors import PyMongoError

from webapp.documents import SiteStats

bp = Blueprint("health", __name__)

# Load balancers and Kubernetes give up after a few seconds, and an error tells them more than silence.
DATABASE_TIMEOUT_S = 0.9


@bp.get("/ping")
def ping() -> Response:
    """Answer like the old site."""
    return _uncached(status="success", message="pong!")


@bp.get("/health")
def health() -> Response:
    """Answer that this process is running, without asking the database: restarting a site does not bring that back."""
    return _uncached(status="success")


@bp.get("/ready")
def ready() -> Response:
    """Answer how long a round trip to the database took, or 503 if it does not answer, so that readers go elsewhere."""
    started = time.perf_counter()
    try:
        with pymongo.timeout(DATABASE_TIMEOUT_S):
            SiteStats._get_db().command("ping")
    except PyMongoError as error:
        response = _uncached(status="error", message=f"the database is unavailable: {type(error).__name__}")
        response.status_code = 503
        response.headers["Retry-After"] = "5"
        return response
    return _uncached(status="success", database_ms=round((time.perf_counter() - started) * 1000, 2))


def _uncached(**content: str | float) -> Response:
    response = make_response(jsonify(content))
    response.headers["Cache-Control"] = "no-store"
    return response
