"""WEBHOOK_PRIVATE_HOSTS."""

import pytest
from flask import Flask

from config import BadConfig
from webapp import telling


def hosts(setting: str) -> frozenset[str]:
    """The hosts that a setting allows."""
    app = Flask(__name__)
    app.config["WEBHOOK_PRIVATE_HOSTS"] = setting
    telling.init_app(app)
    found: frozenset[str] = app.config["PRIVATE_WEBHOOK_HOSTS"]
    return found


def test_hosts_are_separated_by_commas_in_any_case() -> None:
    assert hosts(" CI.internal, 10.0.0.7 ,,") == {"ci.internal", "10.0.0.7"}
    assert hosts("") == frozenset()


@pytest.mark.parametrize("setting", ["https://ci.internal", "ci.internal,10.0.0.0/8", "ada@ci.internal", "*.internal"])
def test_anything_else_stops_the_start(setting: str) -> None:
    with pytest.raises(BadConfig, match="WEBHOOK_PRIVATE_HOSTS has "):
        hosts(setting)
