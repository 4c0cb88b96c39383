"""Style sheets, scripts and pictures of the site, compressed for those who accept it."""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

ENDPOINTS = ("static", "bootstrap.static")
TYPES = ("text/css", "text/javascript", "image/svg+xml")
# There are ten such files, the largest of 230 kB, of which 30 are left.
KEPT = 20


def init_app(app: Flask) -> None:
    """Compress each file once in each process, when it is first asked for."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if request.endpoint not in ENDPOINTS or response.mimetype not in TYPES:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"]:
        return response
    if response.status_code == 200:
        response.direct_passthrough = False
        response.set_data(_compressed(response.get_data()))
        response.content_encoding = "gzip"
    if response.status_code in (200, 304):
        # Both forms have this ETag, so it does not promise identical bytes (RFC 9110, section 8.8.3).
        response.set_etag(response.get_etag()[0] or "", weak=True)
    return response


@lru_cache(maxsize=KEPT)
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
