"""Count the driver's commands and connections. Source: pymongo.monitoring."""

from pymongo import monitoring

from webapp.serving.metrics.figures import Figures


class CommandFigures(monitoring.CommandListener):
    """Counts commands by name, such as find, aggregate or update."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def started(self, _: monitoring.CommandStartedEvent) -> None:
        """Wait for the end, which has the duration."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count a command that succeeded."""
        self._figures.command_seconds.labels(event.command_name).observe(event.duration_micros / 1e6)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Count a command that failed, with the name of the server's or the driver's error."""
        self._figures.command_seconds.labels(event.command_name).observe(event.duration_micros / 1e6)
        error = event.failure.get("codeName") or event.failure.get("errtype") or "unknown"
        self._figures.command_failures.labels(event.command_name, error).inc()


class PoolFigures(monitoring.ConnectionPoolListener):
    """Counts connections: open, in use, waited for, failed."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def connection_created(self, _: monitoring.ConnectionCreatedEvent) -> None:
        """Count a connection as open."""
        self._figures.connections.inc()

    def connection_closed(self, _: monitoring.ConnectionClosedEvent) -> None:
        """Count a connection as closed."""
        self._figures.connections.dec()

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        """Count a connection as in use, and how long the wait was."""
        self._figures.connections_in_use.inc()
        self._figures.connection_wait_seconds.observe(event.duration or 0.0)

    def connection_checked_in(self, _: monitoring.ConnectionCheckedInEvent) -> None:
        """Count a connection as no longer in use."""
        self._figures.connections_in_use.dec()

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """Count a command that got no connection, and why: "timeout", "connectionError" or "poolClosed"."""
        self._figures.connection_failures.labels(event.reason).inc()

    def pool_created(self, _: monitoring.PoolCreatedEvent) -> None:
        """Nothing to count."""

    def pool_ready(self, _: monitoring.PoolReadyEvent) -> None:
        """Nothing to count."""

    def pool_cleared(self, _: monitoring.PoolClearedEvent) -> None:
        """Nothing to count."""

    def pool_closed(self, _: monitoring.PoolClosedEvent) -> None:
        """Nothing to count."""

    def connection_ready(self, _: monitoring.ConnectionReadyEvent) -> None:
        """Nothing to count."""

    def connection_check_out_started(self, _: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """Nothing to count: the end of the wait has its duration."""
