"""`/metrics`, for Prometheus."""

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics of all web processes."""
    page = current_app.extensions["figures"].page()
    return Response(page, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
