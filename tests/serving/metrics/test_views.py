"""`/metrics`."""

from flask.testing import FlaskClient


def test_page_is_for_prometheus_and_not_kept(counting: FlaskClient) -> None:
    response = counting.get("/metrics")

    assert response.content_type.startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"
