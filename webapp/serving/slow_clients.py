"""Clients that send the body of a request slowly, or not at all: they must not take every thread from the others.

granian gives up a client that sends its headers slowly, but a thread that reads a body waits for as long as the client
likes (https://github.com/emmett-framework/granian/issues/728). Eight such clients stopped a site of two processes.
"""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from flask import Flask, current_app, g, request
from werkzeug.exceptions import ServiceUnavailable

# Half of the threads that each web process has unless `flask serve` was told otherwise.
PLACES = 2
# Honest forms are received in much less, so that a place becomes free.
PATIENCE_S = 0.02
# An upload takes longer, and who sends one has a token. The next in line waits for so long, in the third thread.
UPLOAD_PATIENCE_S = 20.0
# Those behind it wait in the fourth, which readers need, too.
LINE_PATIENCE_S = 1.0
BUSY = "Too many requests are being received at the moment. Please try again in a few seconds."
RETRY_AFTER_S = 5
KEY = "slow_clients"


def init_app(app: Flask) -> None:
    """Let `PLACES` threads of this process wait for bodies at a time, and answer 503 to who comes after them.

    A proxy in front receives bodies itself, as nginx does, and sends them on at once: nobody needs to wait then.
    """
    behind_proxy = app.config["TRUSTED_PROXIES"]
    places = threading.BoundedSemaphore(sys.maxsize if behind_proxy else PLACES)
    app.extensions[KEY] = places, threading.BoundedSemaphore(1)
    if not behind_proxy:
        app.before_request(receive_body)


def receive_body() -> None:
    """Take the body in before anything else is done with the request. Raises ServiceUnavailable."""
    says_body = request.content_length or "Transfer-Encoding" in request.headers
    if request.method in ("GET", "HEAD", "OPTIONS") and not says_body:
        return
    # Uploads take a place once they have shown their token. No other view reads what is too large.
    too_large = (request.content_length or 0) > current_app.config["MAX_CONTENT_LENGTH"]
    if request.blueprint == "publishing" or too_large:
        return
    with place():
        request.environ["wsgi.input"] = io.BytesIO(request.get_data())
    g.body_is_received = True


def place(patience_s: float = PATIENCE_S) -> AbstractContextManager[None]:
    """Hold a place while a body comes in. Raises ServiceUnavailable when none becomes free in time."""
    places, _ = current_app.extensions[KEY]
    return _one_of(places, patience_s)


@contextmanager
def place_for_upload() -> Iterator[None]:
    """Hold a place while an upload comes in; one waits for it, others shortly for that. Raises ServiceUnavailable."""
    _, line = current_app.extensions[KEY]
    with ExitStack() as held:
        with _one_of(line, LINE_PATIENCE_S):
            held.enter_context(place(UPLOAD_PATIENCE_S))
        yield


@contextmanager
def _one_of(free: threading.Semaphore, patience_s: float) -> Iterator[None]:
    if not free.acquire(timeout=patience_s):
        raise ServiceUnavailable(BUSY, retry_after=RETRY_AFTER_S)
    try:
        yield
    finally:
        free.release()
