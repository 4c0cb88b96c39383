"""Answers made of bytes that are kept here and never change."""

from datetime import datetime

import bson
from flask import Response, request

from webapp.documents import contents

# The address holds the digest of the bytes, so whatever is kept of them stays right: for a year.
MAX_AGE_S = 31_536_000


def send(content_id: bson.ObjectId, size: int, sha256: str, uploaded_at: datetime | None) -> Response:
    """Answer with bytes that are kept here, or with a range of them, or that the reader has them already."""
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

    Only GET has ranges, and units or ranges that are not understood are ignored. A suffix that is longer than the file
    is all of it. Several ranges in one answer are a form of their own, which no installer reads: the whole file has
    them all.
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
