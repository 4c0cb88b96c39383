"""What the site asks of its database is counted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymongo
import pytest
from flask import Flask
from pymongo import monitoring
from pymongo.errors import OperationFailure, WaitQueueTimeoutError

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


class Holding(monitoring.CommandListener):
    """Keeps the connection of each `find` until it is told to go on."""

    def __init__(self) -> None:
        self.holds, self.go_on = threading.Event(), threading.Event()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.holds.set()
            self.go_on.wait(60)

    def succeeded(self, _: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, _: monitoring.CommandFailedEvent) -> None:
        pass


def test_command_that_gets_no_connection_is_counted(mongod_uri: str) -> None:
    counting, listeners = counting_listeners()
    holding = Holding()
    with (
        pymongo.MongoClient[dict[str, Any]](
            mongod_uri, event_listeners=[*listeners, holding], maxPoolSize=1, waitQueueTimeoutMS=20
        ) as client,
        ThreadPoolExecutor(1) as other,
    ):
        held = other.submit(client["larder_none"]["nothing"].find_one)
        try:
            assert holding.holds.wait(60)
            in_use = figures(counting.page().decode())["larder_database_connections_in_use{}"]
            with pytest.raises(WaitQueueTimeoutError):
                client.admin.command("ping")
        finally:
            holding.go_on.set()
        held.result()

    counted = figures(counting.page().decode())

    assert in_use == 1
    assert counted["larder_database_connections_in_use{}"] == 0
    assert counted["larder_database_connection_failures_total{reason=timeout}"] == 1
