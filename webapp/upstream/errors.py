"""Errors of the other index, each with the HTTP status of our answer."""

import re

from requests import Response

# Statuses that a retry will not change: no credentials, no permission, not found, gone, legal reasons.
REFUSALS = (401, 403, 404, 410, 451)
# Statuses that a retry may change: too many requests, overloaded, too slow.
BUSY = (429, 503, 504)
# When installers may retry; urllib3, and so pip, waits as long as it is told.
RETRY_AFTER_S, MOST_RETRY_AFTER_S = 5, 60


class UpstreamFailed(RuntimeError):
    """The other index sent something unusable, or no answer. The message says so on one line."""

    status = 502
    retry_after_s: int | None = None


class UpstreamRefused(UpstreamFailed):
    """The other index refuses for good: credentials are missing, or a project is gone."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UpstreamBusy(UpstreamFailed):
    """The other index is overloaded or too slow; a retry may succeed soon."""

    status = 503

    def __init__(self, message: str, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(message)
        self.retry_after_s = max(1, min(round(retry_after_s), MOST_RETRY_AFTER_S))


def failure_of(host: str, answer: Response, what: str) -> UpstreamFailed:
    """Return the error for an answer of another index; its refusals are passed on to installers."""
    status = answer.status_code
    message = f"{host} answered {status} for {what}"
    if status in REFUSALS:
        return UpstreamRefused(message, status)
    if status in BUSY:
        seconds = answer.headers.get("Retry-After", "")
        # It may also be a date (RFC 9110).
        return UpstreamBusy(message, int(seconds)) if re.fullmatch("[0-9]{1,9}", seconds) else UpstreamBusy(message)
    return UpstreamFailed(message)
