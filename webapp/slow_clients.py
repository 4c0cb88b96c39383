"""Clients that send the body of a request slowly, or not at all: they must not take every thread from the others.

granian gives up a client that sends its headers slowly, but a thread that reads a body waits for as long as the client
likes (https://github.com/emmett-framework/granian/issues/728). Eight such clients stopped a site of two processes.
"""

import io
import threading

from flask import Flask, g, request
from werkzeug.exceptions import ServiceUnavailable

# Half of the threads that each web process has unless `flask serve` was told otherwise.
PLACES = 2
# Honest forms are received in much less, so that a place becomes free.
PATIENCE_S = 0.02
BUSY = "Too many requests are being received at the moment. Please try again in a few seconds."
RETRY_AFTER_S = 5


def init_app(app: Flask) -> None:
    """Let `PLACES` threads of this process wait for bodies at a time, and answer 503 to who comes after them.

    A proxy in front receives bodies itself, as nginx does, and sends them on at once: nobody needs to wait then.
    """
    if app.config["TRUSTED_PROXIES"]:
        return
    places = threading.BoundedSemaphore(PLACES)

    @app.before_request
    def receive_body() -> None:
        says_body = request.content_length or "Transfer-Encoding" in request.headers
        if request.method in ("GET", "HEAD", "OPTIONS") and not says_body:
            return
        if not places.acquire(timeout=PATIENCE_S):
            g.body_is_refused = True
            raise ServiceUnavailable(BUSY, retry_after=RETRY_AFTER_S)
        g.holds_place = True
        # What is larger is read by its view, part by part, and keeps its place until then.
        if request.content_length is not None and request.content_length <= app.config["MAX_CONTENT_LENGTH"]:
            # For views that read the stream themselves, such as uploads.
            request.environ["wsgi.input"] = io.BytesIO(request.get_data())
            leave()

    @app.teardown_request
    def leave(_: BaseException | None = None) -> None:
        if g.pop("holds_place", False):
            places.release()
