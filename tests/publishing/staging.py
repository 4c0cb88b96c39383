"""Publishing sessions, as programs open and fill them."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.publishing import uploads
from webapp.documents import PublishingSession

MEDIA_TYPE = "application/vnd.pypi.upload.v2+json"


def send(
    client: FlaskClient, secret: str, address: str, method: str = "POST", /, meta: Any = None, **fields: Any
) -> TestResponse:
    """Ask the API for something."""
    body = {"meta": meta or {"api-version": "2.0"}, **fields} if method == "POST" else None
    return client.open(address, method=method, json=body, content_type=MEDIA_TYPE, auth=("__token__", secret))


def opened(client: FlaskClient, secret: str, name: str = "larder-probe", version: str = "1.0") -> dict[str, Any]:
    """Open a session, and return what the site says of it."""
    response = send(client, secret, "/upload/", name=name, version=version)
    assert response.status_code == 201, response.text
    return said(response)


def said(response: TestResponse) -> dict[str, Any]:
    """The object in an answer."""
    assert isinstance(response.json, dict), response.text
    return response.json


def add(
    client: FlaskClient, secret: str, session: dict[str, Any], content: bytes | None = None, filename: str | None = None
) -> TestResponse:
    """Upload a file to a session with the form of today's tools."""
    content = uploads.wheel() if content is None else content
    return uploads.upload(client, secret, content, filename or uploads.wheel_name(), path_of(session, "legacy"))


def path_of(session: dict[str, Any], link: str) -> str:
    """The path of one of a session's links."""
    address: str = session["links"][link]
    assert address.startswith("http://localhost/"), address
    return address.removeprefix("http://localhost")


def stored(session: dict[str, Any]) -> PublishingSession:
    """The document of a session."""
    found: PublishingSession = PublishingSession.objects.get(pk=session["links"]["session"].rstrip("/").split("/")[-1])
    return found
