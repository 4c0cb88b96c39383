"""Projects that are not here, fetched from another index; see docs/upstream.md."""

from flask import Flask

from webapp.upstream import index
from webapp.upstream.views import bp

__all__ = ["bp", "init_app"]


def init_app(app: Flask) -> None:
    """Configure the index in UPSTREAM_INDEX, if any. Raises BadConfig."""
    app.extensions["upstream"] = index.from_config(app.config)
