"""What answers say of a release, kept by its bytes.

An upload changes one of a project's releases. The others need not be decoded and written again for the next answer.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

# How many releases are kept, and of at most how many bytes. All as large as that would take 16 MB, usual ones take 5.
MOST, MOST_BYTES = 4000, 2000
Written = TypeVar("Written")


def kept_by_bytes(write: Callable[..., Written]) -> Callable[..., Written]:
    """Keep what a function returns for a release in BSON. Large releases are not kept.

    The function's other arguments have to be all that the result depends on besides.
    """
    kept = lru_cache(MOST)(write)

    @wraps(write)
    def written(release: bytes, *others: Any) -> Written:
        return (kept if len(release) <= MOST_BYTES else write)(release, *others)

    return written
