"""A redirect within the site names no host."""

import pytest
from flask import Flask, Response

from webapp.serving.redirects import stay_on_the_readers_host


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://localhost/project/x/?a=1#b", "/project/x/?a=1#b"),
        ("/project/x/", "/project/x/"),
        ("http://localhost.example.org/x", "http://localhost.example.org/x"),
        ("https://localhost/x", "https://localhost/x"),
        ("https://example.org/", "https://example.org/"),
    ],
)
def test_host_of_the_request_is_left_out_and_another_one_stays(location: str, expected: str) -> None:
    with Flask(__name__).test_request_context("/"):
        response = stay_on_the_readers_host(Response(status=302, headers={"Location": location}))

    assert response.headers["Location"] == expected


@pytest.mark.parametrize("status", [201, 409])
def test_place_of_what_was_made_or_found_keeps_its_host(status: int) -> None:
    location = "http://localhost/upload/x/"

    with Flask(__name__).test_request_context("/"):
        response = stay_on_the_readers_host(Response(status=status, headers={"Location": location}))

    assert response.headers["Location"] == location


def test_answer_that_leads_nowhere_stays_as_it_is() -> None:
    with Flask(__name__).test_request_context("/"):
        assert "Location" not in stay_on_the_readers_host(Response("x")).headers
