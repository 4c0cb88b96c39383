"""The form of an upload: what is read of it, and why it is refused."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.publishing import staging, uploads
from tests.publishing.uploads import line, nothing_stays, upload, wheel, wheel_name
from webapp.publishing import receiving


@pytest.mark.parametrize("field", ["sha256_digest", "blake2_256_digest", "md5_digest"])
def test_wrong_digest_is_refused(client: FlaskClient, field: str) -> None:
    _, secret = uploads.publisher()

    response = upload(client, secret, wheel(), wheel_name(), **{field: "0" * 32})

    assert "damaged on the way" in line(response, 400)
    assert nothing_stays()


@pytest.mark.parametrize(
    "fields", [{":action": "list"}, {"protocol_version": "2"}, {":action": ""}], ids=lambda fields: str(fields)
)
def test_form_of_another_kind_is_refused(client: FlaskClient, fields: dict[str, str]) -> None:
    _, secret = uploads.publisher()

    assert "not an upload form" in line(upload(client, secret, wheel(), wheel_name(), **fields), 400)


@pytest.mark.parametrize(
    ("action", "way_on"), [("submit", "upload a file"), ("doc_upload", "does not host documentation")]
)
def test_what_pypi_retired_is_gone_here_with_the_way_on(client: FlaskClient, action: str, way_on: str) -> None:
    _, secret = uploads.publisher()

    assert way_on in line(upload(client, secret, wheel(), wheel_name(), **{":action": action}), 410)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/json", "multipart/form-data; boundary=x"])
def test_body_that_is_no_form_is_refused(client: FlaskClient, content_type: str) -> None:
    _, secret = uploads.publisher()

    response = client.post("/legacy/", data=b"\xff" * 1000, content_type=content_type, auth=("__token__", secret))

    line(response, 400)


def test_file_past_the_limit_is_refused(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = uploads.publisher()
    monkeypatch.setitem(app.config, "MAX_FILE_BYTES", 100)

    response = upload(client, secret, wheel(), wheel_name())

    assert "may have 100 bytes" in line(response, 413)


@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "chunked"])
def test_form_of_exactly_the_limit_is_accepted(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, *, is_told: bool
) -> None:
    _, secret = uploads.publisher()
    content = wheel()
    file = FileStorage(io.BytesIO(content), wheel_name())
    boundary, body = encode_multipart({":action": "file_upload", "description": "x" * 200_000, "content": file})
    # Web servers say that they end a body themselves.
    environ = {"wsgi.input_terminated": True, "CONTENT_TYPE": f"multipart/form-data; boundary={boundary}"}
    environ |= {"CONTENT_LENGTH": str(len(body))} if is_told else {"HTTP_TRANSFER_ENCODING": "chunked"}
    monkeypatch.setitem(app.config, "MAX_FILE_BYTES", len(content))

    statuses = []
    for rest_of_form in (len(body) - len(content) - 1, len(body) - len(content)):
        monkeypatch.setattr(receiving, "FORM_BYTES", rest_of_form)
        sent = environ | {"wsgi.input": io.BytesIO(body)}
        answer = client.post("/legacy/", auth=("__token__", secret), environ_overrides=sent)
        statuses.append(answer.status_code)

    assert statuses == [413, 200]


@pytest.mark.parametrize(
    "route", ["/legacy/", "/", "legacy", "/upload/", "extend", "upload", "attestations_url", "file_url", "yank"]
)
def test_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    user, secret = uploads.publisher()
    session = staging.opened(client, secret)
    sent = {"filename": wheel_name(), "size": 1000, "hashes": {"sha256": "0" * 64}, "mechanism": "http-post-bytes"}
    file = staging.said(staging.send(client, secret, staging.path_of(session, "upload"), "POST", **sent))
    links = session["links"] | file["mechanism"] | {"yank": "/pypi/larder-probe/1.0/yank"}
    monkeypatch.setitem(app.config, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(receiving, "FORM_BYTES", 100_000)
    kind = {"file_url": "application/octet-stream", "yank": "application/x-www-form-urlencoded"}
    if route in ("/legacy/", "/", "legacy"):
        kind[route] = "multipart/form-data; boundary=b"
    if route == "yank":
        secret = uploads.token_of(user, permissions=("yank",))

    answers = []
    for framing in ({"CONTENT_LENGTH": "1000001"}, {"HTTP_TRANSFER_ENCODING": "chunked"}):
        environ = {"wsgi.input": io.BytesIO(b"x" * 1_000_001), "wsgi.input_terminated": True} | framing
        environ["CONTENT_TYPE"] = kind.get(route, staging.MEDIA_TYPE)
        address = links.get(route, route).removeprefix("http://localhost")
        answers.append(client.post(address, auth=("__token__", secret), environ_overrides=environ))

    told, chunked = answers
    assert (told.status_code, chunked.status_code) == (413, 413)
    assert (told.content_type, told.data) == (chunked.content_type, chunked.data)


def test_form_of_endless_parts_is_refused(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    many = {f"classifiers{number}": "x" for number in range(3100)}

    response = upload(client, secret, wheel(), wheel_name(), **many)

    line(response, 413)
