"""Another index beside this one, which a test lets answer what it likes."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.images.conftest import host
from tests.local_http import Answer, served
from tests.people import browser
from tests.publishing import uploads
from webapp.documents import UpstreamProject, contents
from webapp.documents.base import utc_now
from webapp.upstream.index import from_config

__all__ = ["host"]

JSON = "application/vnd.pypi.simple.v1+json"
OLD = "2020-01-01T12:00:00.123456Z"
METADATA = uploads.metadata("larder-probe", "1.0", "Summary: Probes")
WHEEL = uploads.wheel(text=METADATA)
NAME = uploads.wheel_name()
LARGE = b"0123456789abcdef" * (contents.CHUNK_BYTES // 6)  # some chunks


class Other(NamedTuple):
    """The other index: what it answers, which a test may change, and what it was asked for."""

    answers: dict[str, Answer]
    asked: list[str]
    address: str

    def lists(self, *files: dict[str, Any], **page: Any) -> None:
        """Let its page of larder-probe list these files."""
        page = {"meta": {"api-version": "1.1"}, "name": "larder-probe", "versions": ["1.0"], "files": files} | page
        self.answers["/simple/larder-probe/"] = Answer(body=json.dumps(page).encode(), content_type=JSON)


def described(content: bytes = WHEEL, filename: str = NAME, **fields: Any) -> dict[str, Any]:
    """A file as JSON describes it; None takes a field away."""
    file = {
        "filename": filename,
        "url": f"../../files/{filename}",
        "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        "size": len(content),
        "upload-time": OLD,
        "requires-python": ">=3.9",
        "core-metadata": {"sha256": hashlib.sha256(METADATA.encode()).hexdigest()},
    }
    return {key: value for key, value in (file | fields).items() if value is not None}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A program whose requests share nothing."""
    return browser(app)


@pytest.fixture
def other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    """The other index, with one project of one wheel."""
    app.extensions["limiter"].storage.reset()
    answers = {f"/files/{NAME}": Answer(body=WHEEL), f"/files/{NAME}.metadata": Answer(body=METADATA.encode())}
    asked: list[str] = []
    with served(answers, asked) as address:
        index = Other(answers, asked, address)
        index.lists(described())
        configured(app, monkeypatch, UPSTREAM_INDEX=f"{address}/simple")
        yield index
    app.extensions["limiter"].storage.reset()


@pytest.fixture
def impatient(app: Flask, other: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that soon gives an index up. The others are patient, so that a busy machine fails no test."""
    configured(app, monkeypatch, UPSTREAM_TIMEOUT_S=0.3)


def configured(app: Flask, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Let the site be as if it had been started with these settings."""
    before = app.extensions["upstream"]
    address = settings.get("UPSTREAM_INDEX") or (before._address if before else "")
    values = {"UPSTREAM_TIMEOUT_S": 5, **settings, "UPSTREAM_INDEX": address}
    monkeypatch.setitem(app.extensions, "upstream", from_config({**app.config, **values}))


def page(client: FlaskClient, name: str = "larder-probe") -> dict[str, Any]:
    answer = client.get(f"/simple/{name}/", headers={"Accept": JSON})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or json.loads(answer.text))


def file_address(client: FlaskClient) -> str:
    return str(page(client)["files"][0]["url"])


def failure(client: FlaskClient, address: str = "/simple/larder-probe/") -> tuple[int, str]:
    answer = client.get(address)
    return answer.status_code, (answer.json or {})["message"]


def kept_bytes() -> int:
    return int(contents.Chunk.objects.count())


def made_old() -> None:
    """Let everything that is known be of yesterday."""
    UpstreamProject._get_collection().update_many({}, {"$set": {"checked_at": utc_now() - timedelta(days=1)}})


def parts_of(answer: TestResponse) -> Iterator[bytes]:
    """What is sent, as it is sent."""
    for part in answer.response:
        assert isinstance(part, bytes)
        yield part
