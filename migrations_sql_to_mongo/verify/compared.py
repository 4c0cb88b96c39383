"""What a comparison found equal is not compared again, field by field, while neither side has changed.

A comparison keeps two digests of each package: of its rows, as verify's SQL reads them, and of its document. What else
decides about the document (the rules, the map, the licences, the rejected users) is part of the first one.
"""

from collections.abc import Callable, Iterable

from migrations_sql_to_mongo.digests import COMPARED, chunk, digests_collection
from migrations_sql_to_mongo.recognizing import Recognizer
from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify.context import Context

COMPARES = ("all", "sample")
# A sample is the first packages, and one of so many others.
FIRST, ONE_IN = 50, 50

KEPT_AT_A_TIME = 1000
Digests = tuple[bytes, bytes]  # of a package's document, and of its rows
Find = Callable[[str], Digests | None]
Keep = Callable[[list[str], list[Digests]], None]


class Compared:
    """The packages that an earlier comparison found equal, and those that this one does."""

    def __init__(self, find: Find = lambda _: None, keep: Keep | None = None) -> None:
        self._find, self._keep = find, keep
        self._seen = 0
        self._names: list[str] = []
        self._digests: list[Digests] = []
        self._recognizer: Recognizer

    def begin(self, context: Context) -> None:
        """Say what decides about packages apart from their rows."""
        self._recognizer = Recognizer(context.source)
        self._recognizer.depends_on("packages", context.licenses, context.rejected.keys("users"))

    def digest(self, row: Row, children: Iterable[Iterable[Row]]) -> bytes:
        """Return the digest of a package's rows."""
        return self._recognizer.digest("packages", [row], *children)

    def is_known(self, name: str, digests: Digests) -> bool:
        """Tell whether a package is the same, in both places, as when it was compared, and not in the sample."""
        self._seen += 1
        is_chosen = self._seen <= FIRST or not self._seen % ONE_IN
        return not is_chosen and self._find(name) == digests

    def add(self, name: str, digests: Digests) -> None:
        """Note that a package is what it must be."""
        self._names.append(name)
        self._digests.append(digests)
        if len(self._names) == KEPT_AT_A_TIME:
            self.keep()

    def keep(self) -> None:
        """Store what was noted since the last time."""
        if self._keep and self._names:
            self._keep(self._names, self._digests)
        self._names, self._digests = [], []


def kept_in(target: Target, run_id: str) -> Keep:
    """Return a function that stores digests with those of a run."""

    def keep(names: list[str], digests: list[Digests]) -> None:
        documents, rows = zip(*digests, strict=True)
        target.insert(digests_collection(run_id), [chunk(f"{COMPARED}/{names[0]}", COMPARED, names, documents, rows)])

    return keep
