from io import BytesIO

import pytest
from flask.testing import FlaskClient

from webapp.unread_bodies import FORM_BYTES


def send(client: FlaskClient, path: str, body: BytesIO, *, terminated: bool = True) -> int:
    """Post a body as granian hands it over: a stream that ends by itself."""
    environ = {"wsgi.input": body, "wsgi.input_terminated": terminated, "CONTENT_LENGTH": str(len(body.getvalue()))}
    return client.post(path, environ_overrides=environ).status_code


@pytest.mark.parametrize(("path", "status"), [("/legacy/", 401), ("/project/nothing/", 405), ("/nothing", 405)])
def test_body_that_nobody_wants_is_taken_before_the_answer(client: FlaskClient, path: str, status: int) -> None:
    body = BytesIO(b"x" * 3_000_000)

    assert send(client, path, body) == status

    assert body.tell() == 3_000_000


def test_body_without_an_end_is_not_waited_for(client: FlaskClient) -> None:
    body = BytesIO(b"x" * 3_000_000)

    send(client, "/nothing", body, terminated=False)

    assert body.tell() == 0


def test_body_beyond_every_limit_is_left(client: FlaskClient) -> None:
    most = client.application.config["MAX_FILE_BYTES"] + FORM_BYTES
    body = BytesIO(bytes(most + 5))

    assert send(client, "/legacy/", body) == 401

    assert body.tell() == most
