"""The metrics, and how several web processes add them up."""

import os
from pathlib import Path

from flask import Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from webapp.serving.request_log import elapsed_s

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Seconds. A cached page takes 0.2 ms, others 2 ms, a sign-in 100 ms, and operations end after 2.5 s.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """The metrics of this process.

    With PROMETHEUS_MULTIPROC_DIR, or after `share`, they are files in that folder, and any process can add all of them
    up. The counters of ended processes stay in the sum.
    """

    def __init__(self) -> None:
        self._make()

    def share(self, folder: Path) -> None:
        """Start anew, in files in this folder, as do the processes that are forked from now on."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        # The library chose when it was imported, before there was a folder.
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        self._make()

    def _make(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "larder_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "larder_request_seconds", "Time until the answer was made.", ["route"], buckets=BUCKETS, registry=registry
        )
        self.requests_in_progress = Gauge(
            "larder_requests_in_progress", "Requests being answered.", multiprocess_mode="livesum", registry=registry
        )
        self.broken_transfers = Counter(
            "larder_broken_transfers", "Answers that broke off after their status had been sent.", ["route"],
            registry=registry,
        )  # fmt: skip
        self.command_seconds = Histogram(
            "larder_database_command_seconds", "Time that the database took.", ["command"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.command_failures = Counter(
            "larder_database_failures", "Database commands that failed.", ["command", "error"], registry=registry
        )
        self.connections = Gauge(
            "larder_database_connections", "Open connections to the database.",
            multiprocess_mode="livesum", registry=registry,
        )  # fmt: skip
        self.connections_in_use = Gauge(
            "larder_database_connections_in_use", "Connections that a command holds.",
            multiprocess_mode="livesum", registry=registry,
        )  # fmt: skip
        self.connection_wait_seconds = Histogram(
            "larder_database_connection_wait_seconds", "Time that a command waited for a connection.",
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self.connection_failures = Counter(
            "larder_database_connection_failures", "Commands that got no connection.", ["reason"], registry=registry
        )

    def begin_request(self) -> None:
        """Count a request in progress."""
        self.requests_in_progress.inc()
        g.in_progress = True

    def end_request(self, response: Response) -> Response:
        """Count an answered request. All labels come from the site's own code, so their number stays small."""
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"
        self.requests.labels(method, route, response.status_code).inc()
        self.request_seconds.labels(route).observe(elapsed_s())
        return response

    def leave_request(self, _: BaseException | None) -> None:
        """Count a request as finished, however it ended."""
        if g.pop("in_progress", False):
            self.requests_in_progress.dec()

    def page(self) -> bytes:
        """Return the metrics of all web processes in Prometheus' text format."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            return generate_latest(self._registry)
        _forget_dead_processes(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _forget_dead_processes(folder: Path) -> None:
    """Leave out what killed processes were doing, because they no longer do it."""
    for file in folder.glob("gauge_livesum_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        except PermissionError:
            pass  # it exists, as somebody else's process
