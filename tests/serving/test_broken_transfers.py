"""What is noted of an answer that broke off."""

import json
from io import StringIO

from flask import Flask

from webapp.serving import metrics
from webapp.serving.broken_transfers import noting


def test_log_names_the_path_the_bytes_and_the_reason_after_the_request_is_over(lines: StringIO) -> None:
    site = Flask(__name__)
    site.config["METRICS"] = 0
    metrics.init_app(site)
    with site.test_request_context("/files/jam-1.0.zip?x=1"):
        note = noting(500)

    note(120, ConnectionResetError("gone"))

    said = json.loads(lines.getvalue())
    assert said["message"] == "/files/jam-1.0.zip broke off after 120 of 500 bytes: ConnectionResetError: gone"
    assert said["level"] == "ERROR"
    assert (said["path"], said["sent"], said["bytes"], said["reason"]) == ("/files/jam-1.0.zip", 120, 500, "gone")


def test_broken_answer_is_counted_under_its_route() -> None:
    site = Flask(__name__)
    site.config["METRICS"] = 1
    metrics.init_app(site)
    site.add_url_rule("/files/<name>", "file", str)
    with site.test_request_context("/files/jam-1.0.zip"):
        noting(500)(120, ConnectionResetError("gone"))
        page = site.test_client().get("/metrics").text

    assert 'larder_broken_transfers_total{route="/files/<name>"} 1.0' in page
