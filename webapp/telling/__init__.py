"""Tell others what happens here: webhooks; see docs/webhooks.md."""

from flask import Flask

from config import BadConfig
from webapp.telling import teller

__all__ = ["init_app", "teller"]


def init_app(app: Flask) -> None:
    """Read which hosts of webhooks may have private addresses. Raises BadConfig."""
    hosts = [host.strip().lower() for host in app.config["WEBHOOK_PRIVATE_HOSTS"].split(",")]
    for host in filter(None, hosts):
        if "/" in host or "@" in host or "*" in host:
            raise BadConfig(
                f"WEBHOOK_PRIVATE_HOSTS has {host!r}; expected names of hosts or addresses, separated by commas"
            )
    app.config["PRIVATE_WEBHOOK_HOSTS"] = frozenset(filter(None, hosts))
