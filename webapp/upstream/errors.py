"""What can be wrong with the other index, each with the status of the answer to who asked."""


class UpstreamFailed(RuntimeError):
    """The other index answered with what cannot be used, or not at all; the message says so in one line."""

    status = 502


class UpstreamRefused(UpstreamFailed):
    """The other index refuses for good: to people without credentials, or because a project is gone."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UpstreamSlow(UpstreamFailed):
    """The other index did not answer in time."""

    status = 504
