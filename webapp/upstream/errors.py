"""What can be wrong with the other index, each with the status of the answer to who asked."""

# When installers may ask again; urllib3, and with it pip, waits as long as it is told to.
RETRY_AFTER_S, MOST_RETRY_AFTER_S = 5, 60


class UpstreamFailed(RuntimeError):
    """The other index answered with what cannot be used, or not at all; the message says so in one line."""

    status = 502
    retry_after_s: int | None = None


class UpstreamRefused(UpstreamFailed):
    """The other index refuses for good: to people without credentials, or because a project is gone."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UpstreamBusy(UpstreamFailed):
    """The other index is overloaded, or did not answer in time: the same question may be answered soon."""

    status = 503

    def __init__(self, message: str, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(message)
        self.retry_after_s = max(1, min(round(retry_after_s), MOST_RETRY_AFTER_S))
