"""Count downloads in memory, and write them to the database every few seconds.

So a download waits for no write. A thread writes the counts, and the process writes them when it ends. A process that
is killed loses its last few seconds.
"""

import logging
import threading
from collections import Counter
from multiprocessing.util import Finalize

from flask import Flask
from pymongo.errors import PyMongoError

from webapp.documents import DownloadCount
from webapp.documents.base import Plain, utc_now
from webapp.documents.download_count import Fetched, months
from webapp.mongodb.errors import reason_of
from webapp.serving.per_app import PerApp

log = logging.getLogger(__name__)

# How many releases and days are remembered while the database is away, in about 30 MB.
MOST_WAITING = 100_000


class DownloadCounter:
    """The counts of one process, shared by its threads."""

    def __init__(self, seconds: int) -> None:
        """Write every `seconds`, or at once if that is 0."""
        self._seconds = seconds
        self._counts: Counter[Fetched] = Counter()
        self._waiting: dict[str, Plain] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def count(self, package: str, version: str) -> None:
        """Count one download of a file of this release."""
        fetched = Fetched(package, version, f"{utc_now():%Y-%m-%d}")
        with self._lock:
            if fetched in self._counts or len(self._counts) < MOST_WAITING:
                self._counts[fetched] += 1
            if self._seconds and self._thread is None:
                # Start only when there is something to write: a web server may fork after it has loaded the site.
                self._thread = threading.Thread(target=self._write_now_and_then, name="downloads", daemon=True)
                self._thread.start()
                # Not atexit: granian's processes are forked by multiprocessing, which ends them without it.
                Finalize(None, self.write, exitpriority=0)
        if not self._seconds:
            self.write()

    def write(self) -> None:
        """Write new counts; what cannot be written is tried again next time."""
        with self._writing:
            try:
                DownloadCount.add(self._waiting)
                with self._lock:
                    taken, self._counts = self._counts, Counter()
                self._waiting = months(taken.items())
                DownloadCount.add(self._waiting)
            except PyMongoError as error:
                log.warning("downloads could not be counted yet: %s: %s", type(error).__name__, reason_of(error))

    def _write_now_and_then(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._seconds):
            self.write()


download_counter = PerApp[DownloadCounter]("download_counter")


def init_app(app: Flask) -> None:
    """Create the application's counter."""
    download_counter.set(app, DownloadCounter(app.config["DOWNLOADS_WRITTEN_EVERY_S"]))


def count_download(package: str, version: str) -> None:
    """Count one download of a file of this release. Call it once for each complete file that is sent."""
    download_counter().count(package, version)
