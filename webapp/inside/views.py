"""`/inside/<project>/<filename>/`: what a wheel or sdist contains, and with `?path=` the text of one of its files."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import bson
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents.base import Plain
from webapp.documents.contents import MissingBytes, Seekable
from webapp.inside.finding import Found, find
from webapp.members.limits import count_by_address
from webapp.rendering import highlighted
from webapp.rules import naming
from webapp.rules.archives import has_control_characters
from webapp.rules.looking_inside import FILE, Archive, CannotLook, open_archive
from webapp.rules.looking_inside_wheels import wheel_contents
from webapp.rules.texts import counted
from webapp.serving.errors import RETRY_AFTER_S
from webapp.serving.pagination import page_number
from webapp.serving.per_app import PerApp
from webapp.serving.public_pages import made_from, public

bp = Blueprint("inside", __name__)

# So many entries are listed on a page.
PER_PAGE = 500
# So much of a text is shown.
MAX_TEXT_BYTES = 256_000
# So many archives are open at a time in each process, half of what it works on, and how long others wait.
OPEN, PATIENCE_S = 2, 0.25

open_archives = PerApp[threading.BoundedSemaphore]("open_archives")


@bp.record_once
def _limit(setup: BlueprintSetupState) -> None:
    open_archives.set(setup.app, threading.BoundedSemaphore(OPEN))


@bp.get("/inside/<name>/<filename>/")
@public
def inside(name: str, filename: str) -> AnyResponse:
    """List what a file contains, or show the text of one of the files in it."""
    normalized_name = naming.normalize_name(name)
    path, number = request.args.get("path", ""), page_number()
    if name != normalized_name:
        return redirect(url_for("inside.inside", name=normalized_name, filename=filename, path=path or None), 301)
    count_by_address("LOOKING_LIMIT")
    found = find(normalized_name, filename)
    context: Plain = {"file": found._asdict(), "normalized_name": normalized_name}
    if found.content_id is None or found.size is None:
        return _page("inside/elsewhere.html", context, dict)
    if path:
        return _page("inside/text.html", context | {"path": path}, lambda: _text(found, path))
    return _page("inside/contents.html", context | {"page": number}, lambda: _contents(found, number))


def _page(template: str, context: Plain, look: Callable[[], Plain]) -> Response:
    """Return a page, without looking into the file if the page was made before: its bytes never change."""
    return made_from(
        bson.encode(context), lambda: make_response(render_template(template, **context, **look())), template
    )


@contextmanager
def _opened(found: Found) -> Iterator[Archive]:
    """Open an archive, when it is its turn. Raises CannotLook and ServiceUnavailable, whose pages are not kept."""
    turns = open_archives()
    if not turns.acquire(timeout=PATIENCE_S):
        message = "Too many files are being looked into at the moment. Please try again in a few seconds."
        raise ServiceUnavailable(message, retry_after=RETRY_AFTER_S)
    try:
        file = Seekable(cast("bson.ObjectId", found.content_id), found.size or 0)
        yield open_archive(found.filename, cast("Any", file))
    except MissingBytes:
        raise ServiceUnavailable("A part of this file is missing here.", retry_after=RETRY_AFTER_S) from None
    finally:
        turns.release()


def _contents(found: Found, number: int) -> Plain:
    try:
        with _opened(found) as archive:
            entries = sorted(archive.entries, key=lambda entry: entry.path)
            is_wheel = found.filename.lower().endswith(".whl")
            wheel = wheel_contents(archive)._asdict() if is_wheel else None
            is_cut = archive.is_cut
    except CannotLook as error:
        return {"problem": str(error), "rows": [], "count": 0, "pages": 1, "wheel": None, "is_cut": False}
    listed = [entry for entry in entries if entry.kind != "folder"]
    pages = max(1, -(-len(listed) // PER_PAGE))
    if number > pages:
        abort(404, f"This list has {counted(pages, 'pages')}.")
    digests = wheel["digests"] if wheel else {}
    rows = [
        entry._asdict() | {"digest": digests.get(entry.path, ""), "can_be_shown": _can_be_shown(entry.path, entry.kind)}
        for entry in listed[(number - 1) * PER_PAGE : number * PER_PAGE]
    ]
    size = sum(entry.size for entry in listed)
    return {"rows": rows, "count": len(listed), "unpacked": size, "pages": pages, "wheel": wheel, "is_cut": is_cut}


def _can_be_shown(path: str, kind: str) -> bool:
    return kind == FILE and bool(path) and not has_control_characters(path)


def _text(found: Found, path: str) -> Plain:
    """Return the text of a file in an archive as HTML, or why it is not shown."""
    try:
        with _opened(found) as archive:
            size = next((entry.size for entry in reversed(archive.entries) if entry.path == path), 0)
            data = archive.read(path, MAX_TEXT_BYTES + 1)
    except CannotLook as error:
        return {"problem": str(error)}
    if data is None:
        abort(404, f"{found.filename} contains no file {path[:200]}.")
    shown = data[:MAX_TEXT_BYTES]
    is_cut = len(data) > MAX_TEXT_BYTES
    text = _decoded(shown, is_cut=is_cut)
    if text is None:
        return {"problem": "This file is not text, so it is not shown.", "size": size}
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    filename = path.rpartition("/")[2]
    return {"size": size, "lines": lines, "shown": len(shown), "is_cut": is_cut, "html": highlighted(text, filename)}


def _decoded(data: bytes, *, is_cut: bool) -> str | None:
    """Return bytes as text, or None if they are something else."""
    if b"\0" in data:
        return None
    try:
        # The last character may be cut in two.
        return data.decode("utf-8-sig", "strict" if not is_cut else "ignore")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        odd = sum(not (each.isprintable() or each.isspace()) for each in text[:10_000])
        return text if odd == 0 else None
