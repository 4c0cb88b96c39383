"""What the tests of uploads share: each begins without counted attempts."""

from collections.abc import Iterator

import pytest

from webapp.serving.extensions import limiter


@pytest.fixture(autouse=True)
def _nothing_counted(request: pytest.FixtureRequest) -> Iterator[None]:
    # What needs no site runs once, and not on each server.
    has_site = "app" in request.fixturenames
    if has_site:
        request.getfixturevalue("app")
        limiter.reset()
    yield
    if has_site:
        limiter.reset()
