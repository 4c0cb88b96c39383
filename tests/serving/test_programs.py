"""Which addresses are for programs."""

import pytest
from flask import Flask

from webapp.serving.programs import is_for_programs


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/simple/flask/", True),
        ("/RPC2", True),
        ("/signup", True),
        ("/sitemap.xml", True),
        ("/health", True),
        ("/", False),
        ("/project/simple/", False),
        ("/simple.html", False),
        ("/Simple/", False),
    ],
)
def test_address_tells_by_its_first_part(path: str, expected: bool) -> None:  # noqa: FBT001 - a parametrized value
    with Flask(__name__).test_request_context(path):
        assert is_for_programs() is expected
