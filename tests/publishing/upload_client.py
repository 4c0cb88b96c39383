"""A client of PEP 694 that knows nothing but the draft: it follows links, and never makes up an address."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

MEDIA_TYPE = "application/vnd.pypi.upload.v2+json"
MECHANISM = "http-post-bytes"


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]  # with names in small letters
    body: bytes

    @property
    def json(self) -> Any:
        """The object in it."""
        return json.loads(self.body)


# Sends a method, an address, headers and a body.
Send = Callable[[str, str, dict[str, str], bytes], Answer]


class Refused(Exception):
    """The server refused something; `problem` is its answer (RFC 9457)."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        assert answer.headers["content-type"] == "application/problem+json", answer
        self.problem = answer.json
        # "The body of an error has these": RFC 9457, and what the draft adds.
        assert self.problem["status"] == answer.status
        assert {"type", "title", "details", "meta", "errors"} <= set(self.problem)
        assert all({"source", "message"} <= set(each) for each in self.problem["errors"])
        super().__init__(self.problem["details"])


class Client:
    """Publishes a release."""

    def __init__(self, root: str, send: Send) -> None:
        self._root, self._send = root, send
        self.session: dict[str, Any] = {}

    def ask(self, method: str, address: str, expected: tuple[int, ...], **fields: Any) -> Answer:
        """Send a request whose body, if any, is JSON."""
        body = json.dumps({"meta": {"api-version": "2.0"}, **fields}).encode() if method == "POST" else b""
        answer = self._send(method, address, {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}, body)
        if answer.status >= 400:
            raise Refused(answer)
        assert answer.status in expected, answer
        if answer.body:
            assert answer.headers["content-type"] == MEDIA_TYPE
            assert answer.json["meta"]["api-version"].startswith("2.")
        return answer

    def open(self, name: str, version: str) -> None:
        """Create a publishing session."""
        answer = self.ask("POST", self._root, (201,), name=name, version=version)
        self.session = answer.json
        assert answer.headers["location"] == self.session["links"]["session"]
        assert MECHANISM in self.session["mechanisms"]

    def refresh(self) -> dict[str, Any]:
        """Ask for the state of the session."""
        self.session = self.ask("GET", self.session["links"]["session"], (200,)).json
        return self.session

    def announce(self, name: str, content: bytes, **fields: Any) -> dict[str, Any]:
        """Create a file upload session."""
        said = {
            "filename": name,
            "size": len(content),
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "mechanism": MECHANISM,
        }
        answer = self.ask("POST", self.session["links"]["upload"], (202,), **said | fields)
        assert int(answer.headers["retry-after"]) >= 0
        assert answer.json["status"] == "pending"
        assert answer.json["mechanism"]["identifier"] == MECHANISM
        found: dict[str, Any] = answer.json
        return found

    def send_bytes(self, upload: dict[str, Any], content: bytes) -> None:
        """Execute the mechanism."""
        self._post(upload["mechanism"]["file_url"], "application/octet-stream", content)

    def send_attestations(self, upload: dict[str, Any], attestations: list[Any]) -> None:
        """Send the attestations, which has to be done before the upload is completed."""
        self._post(upload["mechanism"]["attestations_url"], "application/json", json.dumps(attestations).encode())

    def complete(self, upload: dict[str, Any]) -> None:
        """Complete the upload of a file, and wait until the server has examined it."""
        answer = self.ask("POST", upload["links"]["complete"], (201, 202))
        assert answer.json["status"] in ("completed", "processing")
        assert self.state(upload) == "completed"

    def state(self, upload: dict[str, Any]) -> str:
        """Ask for the state of a file."""
        return str(self.ask("GET", upload["links"]["file-upload-session"], (200,)).json["status"])

    def delete(self, upload: dict[str, Any]) -> None:
        """Cancel the upload of a file, or delete the file."""
        self.ask("DELETE", upload["links"]["file-upload-session"], (204,))

    def upload(self, filename: str, content: bytes) -> dict[str, Any]:
        """Upload a file in all its steps."""
        upload = self.announce(filename, content)
        self.send_bytes(upload, content)
        self.complete(upload)
        return upload

    def publish(self) -> None:
        """Publish the session."""
        answer = self.ask("POST", self.session["links"]["publish"], (201, 202))
        assert answer.headers["location"] == self.session["links"]["session"]

    def extend(self, seconds: int = 86_400) -> None:
        """Let the session live longer."""
        self.ask("POST", self.session["links"]["extend"], (200,), **{"extend-for": seconds})

    def cancel(self) -> None:
        """Cancel the session."""
        self.ask("DELETE", self.session["links"]["session"], (204,))

    def _post(self, address: str, content_type: str, body: bytes) -> None:
        answer = self._send("POST", address, {"Content-Type": content_type}, body)
        if answer.status >= 400:
            raise Refused(answer)
