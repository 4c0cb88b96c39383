"""Note answers that break off: their status and size were sent and logged before."""

import logging
from collections.abc import Callable

from flask import request

from webapp.serving.metrics import counting
from webapp.serving.request_log import current_request_id, shown_path

log = logging.getLogger(__name__)


def noting(size: int | None) -> Callable[[int, Exception], None]:
    """Return a function that notes that the answer to this request broke off after some bytes, and why.

    It can be called when the request is over, as web servers read long answers then.
    """
    path, route = shown_path(), request.url_rule.rule if request.url_rule else "none"
    request_id, counted = current_request_id(), counting()

    def note(sent: int, error: Exception) -> None:
        fields = {"request_id": request_id, "path": path, "sent": sent, "bytes": size, "reason": str(error)}
        log.error(
            "%s broke off after %s of %s bytes: %s: %s", path, sent, size, type(error).__name__, error,
            extra={"fields": fields},
        )  # fmt: skip
        if counted:
            counted.broken_transfers.labels(route).inc()

    return note
