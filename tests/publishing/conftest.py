"""What the tests of uploads share: each begins without counted attempts."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _nothing_counted(request: pytest.FixtureRequest) -> Iterator[None]:
    # What needs no site runs once, and not on each server.
    has_site = "app" in request.fixturenames
    if has_site:
        app = request.getfixturevalue("app")
        app.extensions["limiter"].storage.reset()
    yield
    if has_site:
        app.extensions["limiter"].storage.reset()
