"""A site that counts."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.serving import metrics


@pytest.fixture
def counting() -> FlaskClient:
    """A reader of a small site that counts."""
    site = Flask(__name__)
    site.config["METRICS"] = 1
    metrics.init_app(site)
    site.add_url_rule("/thing/<name>", "thing", lambda name: f"{int(name)} things")
    return site.test_client()
