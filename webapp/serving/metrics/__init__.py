"""Metrics for Prometheus at `/metrics`. Off unless METRICS is 1."""

from typing import Any

from flask import Flask


def init_app(app: Flask) -> None:
    """Start counting, and answer `/metrics`. Does nothing unless METRICS is 1."""
    if not app.config["METRICS"]:
        return
    # Without metrics, prometheus_client is not imported, which saves time.
    from webapp.serving.metrics import views
    from webapp.serving.metrics.figures import Figures

    figures = Figures()
    app.before_request(figures.begin_request)
    app.after_request(figures.end_request)
    app.teardown_request(figures.leave_request)
    app.extensions["figures"] = figures
    app.register_blueprint(views.bp)


def database_listeners(app: Flask) -> list[Any]:
    """Return listeners for MongoClient that count commands and connections; empty unless METRICS is 1."""
    figures = app.extensions.get("figures")
    if not figures:
        return []
    from webapp.serving.metrics.database import CommandFigures, PoolFigures

    return [CommandFigures(figures), PoolFigures(figures)]
