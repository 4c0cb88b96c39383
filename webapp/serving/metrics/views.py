"""`/metrics`, for Prometheus."""

from flask import Blueprint, Response, abort
from prometheus_client import CONTENT_TYPE_LATEST

from webapp.serving.metrics import counting

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics of all web processes."""
    counted = counting() or abort(404)
    return Response(counted.page(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
