"""Metrics for Prometheus at `/metrics`. Off unless METRICS is 1."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from webapp.serving.per_app import PerApp

if TYPE_CHECKING:
    from webapp.serving.metrics.figures import Figures


# Absent unless METRICS is 1.
counting: "PerApp[Figures | None]" = PerApp("figures")


def init_app(app: Flask) -> None:
    """Start counting, and answer `/metrics`. Does nothing unless METRICS is 1."""
    counting.set(app, None)
    if not app.config["METRICS"]:
        return
    # Without metrics, prometheus_client is not imported, which saves time.
    from webapp.serving.metrics import views
    from webapp.serving.metrics.figures import Figures

    counted = Figures()
    app.before_request(counted.begin_request)
    app.after_request(counted.end_request)
    app.teardown_request(counted.leave_request)
    counting.set(app, counted)
    app.register_blueprint(views.bp)


def share(app: Flask, folder: Path) -> None:
    """Start anew, in files in this folder, which the web processes that are forked from now on add up."""
    if counted := counting.of(app):
        counted.share(folder)


def database_listeners(app: Flask) -> list[Any]:
    """Return listeners for MongoClient that count commands and connections; empty unless METRICS is 1."""
    counted = counting.of(app)
    if not counted:
        return []
    from webapp.serving.metrics.database import CommandFigures, PoolFigures

    return [CommandFigures(counted), PoolFigures(counted)]
