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
    asked = request.environ
    if request.range and len(request.range.ranges) > 1:
        # Several ranges in one answer are a form of its own, which no installer reads: the whole file has them all.
        asked = {key: value for key, value in asked.items() if key != "HTTP_RANGE"}
    response.make_conditional(asked, accept_ranges=True, complete_length=size)
    return response


def make_immutable(response: Response, etag: str) -> None:
    """Let caches keep an answer for a year."""
    response.set_etag(etag)
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_S
    response.cache_control.immutable = True
