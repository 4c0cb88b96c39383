"""What becomes of the body of a request that was answered without a look at it."""

import contextlib

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from webapp.serving.slow_clients import READ_BYTES, receiving

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
            # Given up when it takes too long, or when too many other bodies are coming in.
            with contextlib.suppress(OSError, HTTPException), receiving(PATIENCE_S):
                stream = request.environ["wsgi.input"]
                while left > 0 and (chunk := stream.read(min(READ_BYTES, left))):
                    left -= len(chunk)
        return response
