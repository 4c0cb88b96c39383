"""Publishing sessions that were edited by hand break no request: each is answered, or refused with a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import begun_session, in_session
from tests.publishing import uploads
from tests.publishing.staging import add, opened, path_of, send, stored
from tests.publishing.test_file_uploads import client_of
from tests.publishing.uploads import sdist, sdist_name, wheel, wheel_name
from webapp.documents import PublishingSession, User

# mongomock can neither read nor change documents that are as odd as these.
pytestmark = pytest.mark.real_server

Ask = Callable[[str, str, Any], int]

NEEDED = ["package", "version", "stage_token", "created_at", "expires_at"]
ANNOUNCED = ["size", "hashes", "hashes.sha256"]
OTHERS = ["name", "live_key", "state", "created_by", "files", "files.0", "files.1"]
OTHERS += [f"files.0.{name}" for name in ("filename", "file", "senders", "attestations")]
OTHERS += [f"files.1.{name}" for name in ("filename", "state", "attempt", "senders", "content_id", "announced")]
ODD = [None, ["x", None]]
OF_SESSION = ["get", "get file", "announce", "replace", "add", "remove", "extend", "publish", "page", "stage", "cancel"]
OF_FILE = ["bytes", "attestations", "complete"]
REQUESTS = [*OF_SESSION, *OF_FILE, "list"]


@pytest.fixture
def ask(app: Flask, client: FlaskClient) -> Ask:
    """Make a request of a session after an edit of one of its fields, and return the status of the answer.

    Its first file is complete, and its second one was announced and has arrived.
    """
    _, secret = uploads.publisher()
    session = opened(client, secret)
    assert add(client, secret, session).status_code == 200
    draft = client_of(client, secret, session)
    draft.send_bytes(draft.announce(sdist_name(), sdist()), sdist())
    ada = in_session(app, begun_session(app, User.objects.get()))
    one, auth = path_of(session, "session"), ("__token__", secret)
    file = f"{one}files/{sdist_name()}/"
    new = {"filename": "larder_probe-1.0-py2-none-any.whl", "mechanism": "http-post-bytes", "size": 5}
    binary = "application/octet-stream"
    requests: dict[str, Callable[[], Any]] = {
        "get": lambda: client.get(one, auth=auth),
        "get file": lambda: client.get(file, auth=auth),
        "announce": lambda: send(client, secret, f"{one}files/", **new, hashes={"sha256": "0" * 64}),
        "replace": lambda: add(client, secret, session, wheel(extra={"better.py": "x = 1"})),
        "add": lambda: add(client, secret, session, sdist(), sdist_name()),
        "remove": lambda: client.delete(f"{one}files/{wheel_name()}/", auth=auth),
        "extend": lambda: send(client, secret, path_of(session, "extend")),
        "publish": lambda: send(client, secret, path_of(session, "publish")),
        "page": lambda: ada.get(f"/manage/larder-probe/sessions/{stored_id}"),
        "cancel": lambda: client.delete(one, auth=auth),
        "bytes": lambda: client.post(f"{file}bytes", data=sdist(), content_type=binary, auth=auth),
        "attestations": lambda: client.post(f"{file}attestations", data="[]", auth=auth),
        "complete": lambda: client.post(f"{file}complete", auth=auth),
        "list": lambda: ada.get("/manage/larder-probe/sessions/"),
        "stage": lambda: client.get(f"/stage/{session['session-token']}/larder-probe/"),
    }
    sessions, stored_id, by_hand = (
        PublishingSession.objects.raw(),
        stored(session).pk,
        {"bypass_document_validation": True},
    )
    before = sessions.find_one() or {}

    def after(edit: str, request: str, value: Any) -> int:
        sessions.replace_one({"_id": stored_id}, before, **by_hand)
        sessions.update_one({"_id": stored_id}, {"$set": {edit: value}}, **by_hand)
        status: int = requests[request]().status_code
        return status

    return after


@pytest.mark.parametrize("field", NEEDED)
def test_session_that_lacks_something_is_not_there(ask: Ask, field: str) -> None:
    assert {request: ask(field, request, None) for request in OF_SESSION} == dict.fromkeys(OF_SESSION, 404)


@pytest.mark.parametrize("field", OTHERS)
def test_other_edits_break_no_request(ask: Ask, field: str) -> None:
    broken = [(request, value) for request in REQUESTS for value in ODD if ask(field, request, value) >= 500]

    assert broken == []


@pytest.mark.parametrize("field", ANNOUNCED)
def test_file_whose_announcement_was_edited_takes_nothing(ask: Ask, field: str) -> None:
    found = {ask(f"files.1.announced.{field}", request, value) for request in OF_FILE for value in ODD}

    assert found == {409}
