"""A site that fails as a test asks it to."""

from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient


@pytest.fixture
def raising(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | int], FlaskClient]:
    """Let `/about` end with this error."""

    def fail_with(error: Exception | int) -> FlaskClient:
        def view() -> None:
            if isinstance(error, int):
                abort(error)
            raise error

        monkeypatch.setitem(app.view_functions, "home.about", view)
        return app.test_client()

    return fail_with
