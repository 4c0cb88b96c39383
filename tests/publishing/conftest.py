"""What the tests of uploads share: each begins without counted attempts."""

from collections.abc import Iterator

import pytest
from flask import Flask

from webapp.extensions import limiter


@pytest.fixture(autouse=True)
def _nothing_counted(app: Flask) -> Iterator[None]:
    limiter.reset()
    yield
    limiter.reset()
