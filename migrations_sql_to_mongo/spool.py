"""A list that keeps few of its items in memory: a package may have 100,000 releases, and a source 300,000 bad rows."""

import pickle  # nosec B403 -- of what is written and read here alone
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, Generic, TypeVar

Item = TypeVar("Item")

KEPT = 1000  # items in memory


class Spool(Generic[Item]):
    """Items in the order in which they were added. The older ones are in a temporary file, which has no name."""

    __slots__ = ("_ends", "_file", "_recent")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._recent: list[Item] = []
        self._file: IO[bytes] | None = None
        self._ends: list[int] = []  # where each group of KEPT items ends in the file
        for item in items:
            self.append(item)

    def append(self, item: Item) -> None:
        """Add an item."""
        if len(self._recent) >= KEPT:
            self._put_away()
        self._recent.append(item)

    def _put_away(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `clear`
        self._file.seek(self._ends[-1] if self._ends else 0)
        pickle.dump(self._recent, self._file, pickle.HIGHEST_PROTOCOL)
        self._ends.append(self._file.tell())
        self._recent = []

    def clear(self) -> None:
        """Forget all items."""
        self._recent, self._ends = [], []
        if self._file:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return len(self._ends) * KEPT + len(self._recent)

    def __iter__(self) -> Iterator[Item]:
        """Yield all items; meanwhile none may be added."""
        for start in [0, *self._ends][: len(self._ends)]:
            file: Any = self._file
            file.seek(start)
            yield from pickle.load(file)  # noqa: S301 # nosec B301 -- written above, to a file without a name
        yield from self._recent
