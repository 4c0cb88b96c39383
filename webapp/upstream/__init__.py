"""Projects that are not here, served through from another index; see docs/upstream.md."""

from flask import Flask

from webapp.upstream import index
from webapp.upstream.views import bp

__all__ = ["bp", "init_app"]


def init_app(app: Flask) -> None:
    """Give the application the other index that UPSTREAM_INDEX names, if it does. Raises BadConfig."""
    app.extensions["upstream"] = index.from_config(app.config)
