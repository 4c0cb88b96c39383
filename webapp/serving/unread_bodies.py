"""Receive the rest of a body that no view has read."""

import contextlib

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from webapp.serving.slow_clients import READ_BYTES, receiving

# The rest of the form around an uploaded file.
FORM_BYTES = 4_000_000
# How long to wait for it.
PATIENCE_S = 5.0


def init_app(app: Flask) -> None:
    """Read what the client still sends, up to the largest upload and for a few seconds, before it gets its answer.

    Otherwise the web server closes the connection while the client is sending, which resets it: of ten 30 MB uploads
    without a token behind nginx, some got 502 instead of the reason. Source: RFC 9112, section 9.6.

    A chunked body may never end, and no upload tool sends one, so it is not read, and the connection is closed.
    """

    @app.after_request
    def take_the_rest(response: Response) -> Response:
        # Servers that do not end the stream themselves would wait for more.
        may_be_left = request.content_length and request.environ.get("wsgi.input_terminated")
        if may_be_left and not g.get("body_is_received"):
            left = app.config["MAX_FILE_BYTES"] + FORM_BYTES
            # Given up if it takes too long, or if too many other bodies are arriving.
            with contextlib.suppress(OSError, HTTPException), receiving(PATIENCE_S):
                stream = request.environ["wsgi.input"]
                while left > 0 and (chunk := stream.read(min(READ_BYTES, left))):
                    left -= len(chunk)
        return response
