"""Requests of all kinds, at every route: none of them breaks the site. `make test-faults` sends twenty thousand."""

import pytest
from flask import Flask

from tests.fuzzing import fuzz

REQUESTS = 300


# Werkzeug leaves the parts of a broken body to the garbage collector, which closes them.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_no_request_of_any_kind_is_answered_500(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    statuses, broken = fuzz(app, "larder", REQUESTS)

    assert broken == [], [record.exc_text for record in caplog.records if record.exc_info]
    assert {200, 302, 400, 404, 405} <= statuses.keys()
