"""What the tests of accounts share: each begins without counted attempts and without mails."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.people import Browser, browser


@pytest.fixture(autouse=True)
def _nothing_counted(app: Flask) -> Iterator[None]:
    app.extensions["limiter"].storage.reset()
    app.extensions["mailman"].outbox = []
    yield
    app.extensions["limiter"].storage.reset()


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """Somebody in a browser of their own."""
    return browser(app)
