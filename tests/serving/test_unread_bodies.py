import time
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from webapp.serving import unread_bodies
from webapp.serving.unread_bodies import FORM_BYTES


def send(client: FlaskClient, path: str, body: BytesIO, *, terminated: bool = True) -> int:
    """Post a body as granian hands it over: a stream that ends by itself."""
    environ = {"wsgi.input": body, "wsgi.input_terminated": terminated, "CONTENT_LENGTH": str(len(body.getvalue()))}
    return client.post(path, environ_overrides=environ).status_code


@pytest.mark.parametrize(("path", "status"), [("/legacy/", 401), ("/project/nothing/", 413), ("/nothing", 413)])
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


def test_body_in_chunks_is_left_because_it_may_never_end(client: FlaskClient) -> None:
    body = BytesIO(b"x" * 3_000_000)
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    assert client.post("/legacy/", environ_overrides=environ).status_code == 401

    assert body.tell() == 0


class Slow(BytesIO):
    """A body whose parts take a while each."""

    def read(self, size: int | None = -1, /) -> bytes:
        time.sleep(0.02)
        return super().read(size)


def test_body_that_comes_slowly_is_given_up(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_bodies, "PATIENCE_S", 0.1)
    body = Slow(b"x" * 3_000_000)

    assert send(client, "/legacy/", body) == 401

    assert 0 < body.tell() < 100_000
