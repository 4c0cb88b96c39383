"""What becomes of the body of a request that was answered without a look at it."""

import contextlib

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

CHUNK_BYTES = 65_536
# The rest of the form around an uploaded file.
FORM_BYTES = 4_000_000


def init_app(app: Flask) -> None:
    """Take what the client still sends, up to the largest upload, before it gets its answer.

    Otherwise the web server closes the connection while the client sends, which resets it: of ten uploads of 30 MB
    without a token behind nginx some were answered 502 in place of the reason. Source: RFC 9112, section 9.6.
    """

    @app.after_request
    def take_the_rest(response: Response) -> Response:
        if g.pop("body_is_refused", False):  # the client is slow, or in the company of slow ones: slow_clients.py
            return response
        has_body = request.content_length or "Transfer-Encoding" in request.headers
        # A server that does not end the stream by itself would wait for more.
        if has_body and request.environ.get("wsgi.input_terminated"):
            left = app.config["MAX_FILE_BYTES"] + FORM_BYTES
            with contextlib.suppress(OSError, HTTPException):
                while left > 0 and (chunk := request.environ["wsgi.input"].read(min(CHUNK_BYTES, left))):
                    left -= len(chunk)
        return response
