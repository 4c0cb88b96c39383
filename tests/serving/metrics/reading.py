"""A page of figures, as its tests read it."""

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families


def figures(text: str) -> dict[str, float]:
    """What a page of figures says: {"larder_requests_total{method=GET,route=/ping,status=200}": 1.0}."""
    return {
        f"{sample.name}{{{','.join(f'{key}={value}' for key, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(client: FlaskClient) -> dict[str, float]:
    return figures(client.get("/metrics").text)
