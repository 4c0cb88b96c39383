"""What the site asks of its database is counted."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest
from flask import Flask
from pymongo.errors import OperationFailure, WaitQueueTimeoutError

from tests.conftest import SLOW
from tests.serving.metrics.reading import figures
from webapp.serving import metrics
from webapp.serving.metrics.figures import Figures


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
