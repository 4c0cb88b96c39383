"""Keep what pages for installers and PyPI's JSON say about a release, as long as its bytes stay the same.

An upload changes one of a project's releases. The others need not be decoded and written again for the next answer.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

# How many releases are kept for each form of answer, and how large each may be: 5 to 10 MB as a rule.
MOST, MOST_BYTES = 4000, 2000
Written = TypeVar("Written")


def kept_by_bytes(write: Callable[..., Written]) -> Callable[..., Written]:
    """Keep what a function returns for a release in BSON, unless the release is large.

    The result must depend on nothing but the function's arguments.
    """
    kept = lru_cache(MOST)(write)

    @wraps(write)
    def written(release: bytes, *others: Any) -> Written:
        return (kept if len(release) <= MOST_BYTES else write)(release, *others)

    return written
