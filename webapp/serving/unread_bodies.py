"""What becomes of the body of a request that was answered without a look at it."""

import contextlib
import time

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from webapp.serving.slow_clients import place

# Small, because a read waits for all of it.
CHUNK_BYTES = 8192
# The rest of the form around an uploaded file.
FORM_BYTES = 4_000_000
# What a client has not sent by then is not waited for.
PATIENCE_S = 5.0


def init_app(app: Flask) -> None:
    """Take what the client still sends, up to the largest upload and for some seconds, before it gets its answer.

    Otherwise the web server closes the connection while the client sends, which resets it: of ten uploads of 30 MB
    without a token behind nginx some were answered 502 in place of the reason. Source: RFC 9112, section 9.6.

    A body in chunks may never end, and no tool that uploads sends one: it is left, and the connection is closed.
    """

    @app.after_request
    def take_the_rest(response: Response) -> Response:
        # A server that does not end the stream by itself would wait for more.
        may_be_left = request.content_length and request.environ.get("wsgi.input_terminated")
        if may_be_left and not g.get("body_is_received"):
            left = app.config["MAX_FILE_BYTES"] + FORM_BYTES
            end_at = time.monotonic() + PATIENCE_S
            # Where every place is held, nobody waits for this client, too: slow_clients.py.
            with contextlib.suppress(OSError, HTTPException), place(0):
                stream = request.environ["wsgi.input"]
                while left > 0 and time.monotonic() < end_at and (chunk := stream.read(min(CHUNK_BYTES, left))):
                    left -= len(chunk)
        return response
