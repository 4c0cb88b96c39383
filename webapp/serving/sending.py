"""Send stored bytes that never change."""

from datetime import datetime

import bson
from flask import Flask, Response, request

from webapp.documents import contents

# The address contains the digest of the bytes, so caches may keep them for a year.
MAX_AGE_S = 31_536_000


def init_app(app: Flask) -> None:
    """Send parts of static files, too, only to those who surely have the rest."""
    app.before_request(_drop_doubtful_range)


def _drop_doubtful_range() -> None:
    """Ignore a range that is wanted only of the file a reader has, unless it is named by a strong ETag.

    Werkzeug compares weak ones, too, and takes a date for "not changed since". Source: RFC 9110, section 13.1.5.
    """
    if not request.headers.get("If-Range", '"').startswith('"'):
        request.environ.pop("HTTP_RANGE", None)


def send(content_id: bson.ObjectId, size: int, sha256: str, uploaded_at: datetime | None) -> Response:
    """Send stored bytes, a range of them, or 304 if the reader already has them."""
    response = Response(contents.Reader(content_id, size), mimetype="application/octet-stream", direct_passthrough=True)
    response.headers["Content-Disposition"] = "attachment"
    response.content_length = size
    make_immutable(response, sha256)
    response.last_modified = uploaded_at
    asked = {key: value for key, value in request.environ.items() if key != "HTTP_RANGE"}
    if wanted := _range(size):
        asked["HTTP_RANGE"] = wanted
    response.make_conditional(asked, accept_ranges=True, complete_length=size)
    return response


def _range(size: int) -> str | None:
    """Return the range to send, or None for the whole file. Source: RFC 9110, section 14.

    Only GET has ranges; unknown units and invalid ranges are ignored. A suffix longer than the file means all of it.
    Several ranges in one answer need a format of their own that no installer reads, so they get the whole file.
    """
    asked = request.range
    if request.method != "GET" or asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    first, _ = asked.ranges[0]
    return "bytes=0-" if size and first is not None and -first > size else asked.to_header()


def make_immutable(response: Response, etag: str) -> None:
    """Let caches keep an answer for a year."""
    response.set_etag(etag)
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_S
    response.cache_control.immutable = True
