"""How many projects have a word or a label, remembered for a minute: they are counted only now and then anyway."""

import time
from collections.abc import Callable, Iterable
from threading import Lock

from cachetools import TTLCache

from webapp.documents import SearchWord
from webapp.serving.per_app import PerApp

# Words and labels that a web process remembers, in 1 MB, and for how long.
REMEMBERED, REMEMBERED_S = 5000, 60


class Frequencies:
    """The frequencies of the words that readers of this web process have searched for lately."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._remembered = TTLCache[str, int](REMEMBERED, REMEMBERED_S, timer)
        self._lock = Lock()

    def of(self, values: Iterable[str]) -> dict[str, int]:
        """Return how many projects have each of these words and labels, as last counted. Rare ones are absent."""
        wanted = set(values)
        with self._lock:
            # A count may expire between two lookups.
            found = {each: count for each in wanted if (count := self._remembered.get(each)) is not None}
        if missing := wanted - found.keys():
            counted = dict.fromkeys(missing, 0) | SearchWord.objects.frequencies(list(missing))
            with self._lock:
                self._remembered.update(counted)
            found |= counted
        return {each: count for each, count in found.items() if count}


frequencies = PerApp[Frequencies]("word_frequencies")
