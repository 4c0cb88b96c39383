"""Log one line per request, with an id that the answer carries as well."""

import logging
import re
import secrets
import time
from functools import cache
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, g, has_request_context, request

log = logging.getLogger("webapp.access")

# What nginx, Envoy and others send: hexadecimal digits or a UUID.
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
KEY = "larder.request_id"


def init_app(app: Flask) -> None:
    """Give each request an id, and log it when it has been answered."""
    # A proxy's id connects its log line with ours. An id from a reader could belong to somebody else.
    believed = bool(app.config["TRUSTED_PROXIES"])

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "") if believed else ""
        # Not in `g`: a thread that goes on after the answer, to send a mail, has the request but a `g` of its own.
        request.environ[KEY] = given if SANE_ID.fullmatch(given) else secrets.token_hex(16)

    # The function registered first runs last, so this one sees the answer as it is sent.
    @app.after_request
    def end(response: Response) -> Response:
        # Flask skips `begin` if it cannot even parse the request's address.
        response.headers["X-Request-ID"] = request.environ.setdefault(KEY, secrets.token_hex(16))
        if log.isEnabledFor(logging.INFO):
            _log(response)
        return response


def current_request_id() -> str | None:
    """Return the id of the request that this thread works for, or None."""
    return request.environ.get(KEY) if has_request_context() else None


def shown_path() -> str:
    """Return the path of the request for the log: on one line, with secret tokens removed."""
    path: str = request.path
    for before, _, after in _secret_paths(current_app._get_current_object()):  # type: ignore[attr-defined]
        if before in path:
            path = f"{path.partition(before)[0]}{before}***{after}"
    return quote(path, safe="/:@!$&'()*+,;=~")


def elapsed_s() -> float:
    """Return the seconds since the request arrived."""
    started: float = g.setdefault("started", time.perf_counter())
    return time.perf_counter() - started


@cache
def _secret_paths(app: Flask) -> tuple[tuple[str, str, str], ...]:
    """Return the text around the tokens in the site's addresses, such as ("/account/reset/", "<token>", "")."""
    return tuple(rule.rule.partition("<token>") for rule in app.url_map.iter_rules() if "token" in rule.arguments)


def _log(response: Response) -> None:
    size = response.content_length
    if size is None and not response.is_streamed:  # counting what is streamed would read all of it first
        size = response.calculate_content_length()
    fields: dict[str, Any] = {
        "method": request.method,
        "path": shown_path(),
        "status": response.status_code,
        "ms": round(elapsed_s() * 1000, 2),
        "bytes": size,  # None: not known before it is sent
        "client": request.remote_addr,
    }
    log.info("%(method)s %(path)s %(status)s %(ms)s ms, %(bytes)s bytes, %(client)s", fields, extra={"fields": fields})
