"""What the site does, in figures: `/metrics` for Prometheus. Off unless METRICS is 1."""

from typing import Any

from flask import Flask


def init_app(app: Flask) -> None:
    """Count from now on, and answer at `/metrics`. Does nothing unless METRICS is 1."""
    if not app.config["METRICS"]:
        return
    # Who does without figures does not wait for prometheus_client, either.
    from webapp.serving.metrics import views
    from webapp.serving.metrics.figures import Figures

    figures = Figures()
    app.before_request(figures.begin_request)
    app.after_request(figures.end_request)
    app.teardown_request(figures.leave_request)
    app.extensions["figures"] = figures
    app.register_blueprint(views.bp)


def database_listeners(app: Flask) -> list[Any]:
    """Return what MongoClient tells of its commands and connections; nothing unless METRICS is 1."""
    figures = app.extensions.get("figures")
    if not figures:
        return []
    from webapp.serving.metrics.database import CommandFigures, PoolFigures

    return [CommandFigures(figures), PoolFigures(figures)]
