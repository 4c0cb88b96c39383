import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymongo
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pymongo.errors import OperationFailure, WaitQueueTimeoutError

from tests.conftest import SLOW, database_uri
from webapp.serving import metrics
from webapp.serving.metrics.figures import Figures

ROOT = Path(__file__).resolve().parents[3]


def figures(text: str) -> dict[str, float]:
    """What a page of figures says: {"larder_requests_total{method=GET,route=/ping,status=200}": 1.0}."""
    return {
        f"{sample.name}{{{','.join(f'{key}={value}' for key, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def counting() -> FlaskClient:
    """A reader of a small site that counts."""
    site = Flask(__name__)
    site.config["METRICS"] = 1
    metrics.init_app(site)
    site.add_url_rule("/thing/<name>", "thing", lambda name: f"{int(name)} things")
    return site.test_client()


def asked(client: FlaskClient) -> dict[str, float]:
    return figures(client.get("/metrics").text)


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
    assert 0 < counted["larder_request_seconds_sum{route=/thing/<name>}"] < 1
    assert counted["larder_requests_in_progress{}"] == 1, "the one that asks"


def test_page_is_for_prometheus_and_not_kept(counting: FlaskClient) -> None:
    response = counting.get("/metrics")

    assert response.content_type.startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"


def counting_listeners() -> tuple[Figures, list[Any]]:
    """What a client takes whose commands are counted as the site's are, and where they are."""
    site = Flask(__name__)
    site.config["METRICS"] = 1
    metrics.init_app(site)
    return site.extensions["figures"], metrics.database_listeners(site)


def test_commands_of_the_database_are_counted(mongod_uri: str) -> None:
    counting, listeners = counting_listeners()
    with pymongo.MongoClient[dict[str, Any]](mongod_uri, event_listeners=listeners) as client:
        client["larder_none"]["nothing"].find_one({"_id": 1})
        with pytest.raises(OperationFailure):
            client.admin.command("brew")

        counted = figures(counting.page().decode())

    assert counted["larder_database_command_seconds_count{command=find}"] == 1
    assert counted["larder_database_failures_total{command=brew,error=CommandNotFound}"] == 1
    assert counted["larder_database_connections{}"] == 1
    assert counted["larder_database_connections_in_use{}"] == 0
    assert counted["larder_database_connection_wait_seconds_count{}"] == 2


def test_command_that_gets_no_connection_is_counted(mongod_uri: str) -> None:
    counting, listeners = counting_listeners()
    name = f"larder_test_{uuid.uuid4().hex[:12]}"
    with pymongo.MongoClient[dict[str, Any]](
        mongod_uri, event_listeners=listeners, maxPoolSize=1, waitQueueTimeoutMS=20
    ) as client:
        client[name]["one"].insert_one({})
        with ThreadPoolExecutor(1) as other:
            slow = other.submit(client[name]["one"].find_one, {"$expr": SLOW})
            while figures(counting.page().decode())["larder_database_connections_in_use{}"] < 1:
                time.sleep(0.005)
            with pytest.raises(WaitQueueTimeoutError):
                client.admin.command("ping")
            slow.result()
        client.drop_database(name)

    counted = figures(counting.page().decode())

    assert counted["larder_database_connection_failures_total{reason=timeout}"] == 1


PROCESS = """
import sys
from app import app
from webapp.documents import Package
with app.app_context():
    Package.objects.first()
client = app.test_client()
client.get("/ping")
print(client.get("/metrics").text, "# end", sep="", flush=True)
sys.stdin.read()
"""


def test_web_processes_add_up_and_the_dead_hold_no_connections(mongod_uri: str, tmp_path: Path) -> None:
    environment = {"MONGODB_URI": database_uri(mongod_uri, "larder_none"), "METRICS": "1", "LARDER_ENV": "testing"}
    # Prometheus is no member, either.
    environment |= {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "READ_ACCESS": "members"}

    def process() -> tuple[subprocess.Popen[str], dict[str, float]]:
        """A web process, and what it tells when it is asked."""
        started = subprocess.Popen(
            [sys.executable, "-c", PROCESS], env=os.environ | environment, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert started.stdout
        return started, figures("".join(iter(started.stdout.readline, "# end\n")))

    def kill(started: subprocess.Popen[str]) -> None:
        started.kill()
        started.communicate()

    first, _ = process()
    second, both = process()
    kill(first)
    kill(second)
    third, after = process()
    kill(third)

    count, ping = "larder_database_command_seconds_count{command=find}", "{method=GET,route=/ping,status=200}"
    assert (both[count], both["larder_requests_total" + ping], both["larder_database_connections{}"]) == (2, 2, 2)
    assert (after[count], after["larder_requests_total" + ping], after["larder_database_connections{}"]) == (3, 3, 1)
