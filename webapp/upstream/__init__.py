"""Projects that are not here, fetched from another index; see docs/upstream.md."""

from flask import Flask

from webapp.upstream import images, index, refusing
from webapp.upstream.views import bp, other_index, refusals

__all__ = ["bp", "init_app"]


def init_app(app: Flask) -> None:
    """Configure the index in UPSTREAM_INDEX, if any, and which of its files are refused. Raises BadConfig."""
    other_index.set(app, index.from_config(app.config))
    refusals.set(app, refusing.from_config(app.config))
    images.init_app(app)
