from flask.testing import FlaskClient

from tests.serving.metrics.reading import asked


def test_figures_are_off_by_default(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404


def test_requests_are_counted_by_route_and_status(counting: FlaskClient) -> None:
    for path in ("/thing/1", "/thing/2", "/thing/3/4", "/thing/many"):
        counting.get(path)
    counting.open("/thing/1", method="BREW")

    counted = asked(counting)

    assert counted["larder_requests_total{method=GET,route=/thing/<name>,status=200}"] == 2
    assert counted["larder_requests_total{method=GET,route=/thing/<name>,status=500}"] == 1
    assert counted["larder_requests_total{method=GET,route=none,status=404}"] == 1
    assert counted["larder_requests_total{method=other,route=none,status=405}"] == 1
    assert counted["larder_request_seconds_count{route=/thing/<name>}"] == 3
    assert 0 < counted["larder_request_seconds_sum{route=/thing/<name>}"] < 10
    assert counted["larder_requests_in_progress{}"] == 1, "the one that asks"
