"""Thousands of requests of all kinds, at every route: none of them breaks the site. $FUZZ says how many."""

import logging
import os
from collections import Counter

import pytest
from flask import Flask

from tests.fuzzing import Fuzzer, catalogue

REQUESTS = int(os.environ.get("FUZZ", "300"))
SEED = os.environ.get("FUZZ_SEED", "larder")


# Werkzeug leaves the parts of a broken body to the garbage collector, which closes them.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_no_request_of_any_kind_is_answered_500(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    catalogue()
    fuzzer = Fuzzer(app, SEED)
    statuses, broken = Counter[int](), []

    for _ in range(REQUESTS):
        fuzzer.renew()
        sent, response = fuzzer.send()
        statuses[response.status_code] += 1
        if response.status_code >= 500:
            broken.append(f"{response.status}: {sent}")

    logging.getLogger(__name__).info("seed %r, %d requests: %s", SEED, REQUESTS, dict(sorted(statuses.items())))
    assert broken == [], f"{len(broken)} of {REQUESTS} requests, seed {SEED!r}; {caplog.text[-3000:]}"
    assert {200, 302, 400, 404, 405} <= set(statuses)
