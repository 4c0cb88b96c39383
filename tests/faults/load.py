"""People at work on the site while a test breaks something: readers and registrations, each answer kept in account."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, Self

from tests.servers import Site

# Each asks the database, in a way of its own.
PAGES = ("/", "/projects/", "/project/flask/", "/simple/flask/", "/search/?q=flask", "/pypi/flask/json")
PAUSE_S = 0.02
# Longer than any answer may take; who waits longer has been left hanging.
PATIENCE_S = 10
HUNG, REFUSED = "no answer", "connection lost"
# What the site says while its database is away, and nginx while the site is.
EXCUSES = (b"is unavailable", b"is being started")


class Answer(NamedTuple):
    """One answer, or the want of one."""

    at: float
    took_s: float
    status: int | str
    kind: str
    name: str


class Load:
    """Readers and registrations, from `with` on, each in a thread with a connection of its own."""

    def __init__(self, site: Site, readers: int = 4, writers: int = 2) -> None:
        self.answers: list[Answer] = []
        self.wrong: list[str] = []
        self._site = site
        self._stop = threading.Event()
        self._threads = [
            *(threading.Thread(target=self._read, args=(number,), daemon=True) for number in range(readers)),
            *(threading.Thread(target=self._register, args=(number,), daemon=True) for number in range(writers)),
        ]
        self._names = f"u{time.time_ns():x}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, kind: str, number: int = 20, timeout_s: float = 40) -> None:
        """Wait until so many more requests of this kind have been answered 200."""
        begun = len(self.answers)
        deadline = time.monotonic() + timeout_s
        while sum(answer.kind == kind and answer.status == 200 for answer in self.answers[begun:]) < number:
            assert time.monotonic() < deadline, f"{kind}s do not go on: {self.statuses()}"
            time.sleep(0.05)

    def acknowledged(self) -> list[str]:
        """The names of which the site said that they are kept."""
        return [answer.name for answer in self.answers if answer.kind == "write" and answer.status == 200]

    def statuses(self, kind: str | None = None) -> dict[int | str, int]:
        """How often each answer came."""
        return dict(Counter(answer.status for answer in self.answers if kind in (None, answer.kind)))

    def seconds_without(self, kind: str) -> float:
        """The longest time in which nobody got an answer 200 of this kind."""
        times = [answer.at for answer in self.answers if answer.kind == kind and answer.status == 200]
        return max(later - earlier for earlier, later in itertools.pairwise(sorted(times)))

    def longest_s(self) -> float:
        """How long somebody waited for an answer, whatever it was."""

        return max(answer.took_s for answer in self.answers)

    def _read(self, number: int) -> None:
        pages = itertools.cycle(PAGES[number % len(PAGES) :] + PAGES[: number % len(PAGES)])
        self._ask("read", (("GET", page, b"", page) for page in pages))

    def _register(self, number: int) -> None:
        names = (f"{self._names}-{number}-{count}" for count in itertools.count())
        self._ask("write", (("POST", "/signup", _registration(name), name) for name in names))

    def _ask(self, kind: str, requests: Iterable[tuple[str, str, bytes, str]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=PATIENCE_S)
        for method, target, body, name in requests:
            if self._stop.wait(PAUSE_S):
                break
            started = time.monotonic()
            status: int | str
            try:
                connection.request(method, target, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                self._check(target, answer.status, answer.headers.get("Retry-After"), answer.read())
                status = answer.status
            except TimeoutError:
                status = HUNG
            except (OSError, http.client.HTTPException):
                status = REFUSED
            if isinstance(status, str):
                connection.close()
            now = time.monotonic()
            self.answers.append(Answer(now, now - started, status, kind, name))
        connection.close()

    def _check(self, target: str, status: int, retry_after: str | None, body: bytes) -> None:
        """Look at what an error tells the reader."""
        if status == 200 and b"Traceback" not in body:
            return
        says_when = retry_after == "5" and any(excuse in body for excuse in EXCUSES)
        if status != 503 or not says_when or b"Traceback" in body or b"pymongo" in body:
            self.wrong.append(f"{target}: {status}, Retry-After {retry_after}: {body[:300]!r}")


def _registration(name: str) -> bytes:
    return json.dumps({"username": name, "password": "nanoseconds matter, admiral"}).encode()
