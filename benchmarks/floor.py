"""What every figure is compared with: views that do the least, on the same server with the same settings."""

import functools
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, Response, abort, request, send_file
from pymongo import MongoClient

# How many questions an upload of a further release asks, and what it writes: a file's bytes, and ten small documents.
UPLOAD_QUESTIONS, UPLOAD_WRITES = 4, 10
MOST_KEPT_BYTES = 1_000_000

app = Flask(__name__)
client: MongoClient[dict[str, Any]] = MongoClient(
    os.environ["MONGODB_URI"], connect=False, tz_aware=True, w="majority", journal=True
)
packages = client.get_default_database()["packages"]
written = client.get_default_database()["floor"]
listed = client.get_default_database()["floor_files"]  # `benchmarks.peer_floor` makes its index


@app.get("/bare")
def bare() -> str:
    """Answer without a look at anything."""
    return "hello"


@app.get("/find-one")
def find_one() -> str:
    """Answer one field of one small document, found by its key."""
    found = packages.find_one({"_id": "click"}, {"summary": 1})
    return found["summary"] if found else ""


@app.post("/form")
def form() -> str:
    """Take a form with a file, and look at nothing of it."""
    return str(len(request.files))


@app.get("/file")
def file() -> Response:
    """Answer the file of which the environment tells, from the disk."""
    return send_file(os.environ["FLOOR_FILE"], mimetype="application/octet-stream", etag=False)


class Answer(NamedTuple):
    """What the site answers at an address, and how many questions it asks the database for that."""

    file: str
    mimetype: str
    questions: int


@functools.cache
def answers() -> dict[str, dict[str, Answer]]:
    """Return the answers that `benchmarks.peer_floor` has kept, by their address and by the type that was asked for."""
    kept = json.loads(Path(os.environ["FLOOR_ANSWERS"]).read_text())
    return {address: {form: Answer(*values) for form, values in forms.items()} for address, forms in kept.items()}


@functools.cache
def body_of(file: str) -> bytes:
    """Return a kept answer."""
    return Path(file).read_bytes()


def ask(questions: int) -> None:
    """Ask for one field of a small document this many times."""
    for _ in range(questions):
        packages.find_one({"_id": "bench-00"}, {"name": 1})


@app.get("/", defaults={"path": ""})
@app.get("/<path:path>")
def kept_answer(path: str) -> Response:
    """Ask as many questions as the site does for this answer, and send what it sent."""
    forms = answers().get(request.full_path.removesuffix("?"))
    if forms is None:
        return uploaded(path)
    accepted = request.headers.get("Accept", "")
    answer = next((one for form, one in forms.items() if form in accepted), None) or next(iter(forms.values()))
    ask(answer.questions)
    if Path(answer.file).stat().st_size > MOST_KEPT_BYTES:
        return send_file(answer.file, mimetype=answer.mimetype, etag=False)
    return Response(body_of(answer.file), mimetype=answer.mimetype)


def uploaded(path: str) -> Response:
    """List the files that were uploaded to a project, with one question."""
    found = listed.find({"project": path.strip("/").rpartition("/")[2]}, {"filename": 1})
    names = [each["filename"] for each in found] or abort(404)
    return Response("".join(f'<a href="/{name}">{name}</a>\n' for name in names), mimetype="text/html")


@app.post("/legacy/")
def take() -> str:
    """Take an upload after the site's own checks of the file, with as many questions and writes as the site's."""
    # Not at the start: the memory of a floor that sends pages is to be that of Flask, pymongo and granian.
    from webapp.changes.uploads import digests_of
    from webapp.rules.distributions import examine

    ask(UPLOAD_QUESTIONS)
    file = request.files["content"]
    sent, size = request.form["sha256_digest"], file.stream.seek(0, os.SEEK_END)
    if not file.filename or digests_of(file.stream).sha256 != sent:
        abort(400)
    examine(file.filename, file.stream, size)
    file.stream.seek(0)
    written.insert_one({"data": file.read()})
    for _ in range(UPLOAD_WRITES - 1):
        written.insert_one({"size": 0})
    listed.insert_one({"project": request.form["name"], "filename": file.filename})
    return ""
