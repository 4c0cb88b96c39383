"""Twenty thousand requests of all kinds, half of them on each server. $FUZZ_SEED makes others."""

import os

import pytest
from flask import Flask

from tests.faults.conftest import Keep
from tests.fuzzing import fuzz

pytestmark = pytest.mark.faults

REQUESTS = 10_000
SEED = os.environ.get("FUZZ_SEED", "larder")


# Werkzeug leaves the parts of a broken body to the garbage collector, which closes them.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_none_of_ten_thousand_requests_is_answered_500(
    app: Flask, caplog: pytest.LogCaptureFixture, figures: Keep
) -> None:
    statuses, broken = fuzz(app, SEED, REQUESTS)

    figures(f"requests of all kinds, seed {SEED!r}", requests=REQUESTS, answers=statuses)
    assert broken == [], [record.exc_text for record in caplog.records if record.exc_info]
