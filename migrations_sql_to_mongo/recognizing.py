"""Recognize rows of which a document was made before, so that `catch-up` neither converts nor encodes them again.

What becomes of rows depends on more than themselves: on the rules, the map, and what else the source has (a licence, a
rejected user, the address of somebody else). All of that is part of their digest.
"""

import functools
import hashlib
import marshal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.source import Source
from webapp import rules

SIZE = 16


class Recognizer:
    """Digests of the rows that become a document."""

    def __init__(self, source: Source, is_known: Callable[[str, bytes], bool] | None = None) -> None:
        """`is_known` tells whether rows of a collection became its present document the last time."""
        self._about_source = [_rules(), source.columns, sorted(source.layout.moments), source.layout.as_dict()]
        self._is_known = is_known
        self._circumstances: dict[str, bytes] = {}

    def depends_on(self, collection: str, *circumstances: Iterable[Any]) -> None:
        """Say what else decides about the documents of a collection."""
        about = repr([self._about_source, *(sorted(map(repr, one)) for one in circumstances)])
        self._circumstances[collection] = hashlib.blake2b(about.encode("utf-8", "surrogateescape")).digest()

    def digest(self, collection: str, *groups: Iterable[Row]) -> bytes:
        """Return the digest of the rows, of several tables, that become one document."""
        rows = [list(map(tuple, group)) for group in groups]
        try:
            # Version 2 of the format writes equal values alike. It is several times as fast as repr().
            encoded = marshal.dumps(rows, 2)
        except ValueError:
            encoded = repr(rows).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(encoded, digest_size=SIZE, key=self._circumstances[collection]).digest()

    def is_known(self, collection: str, digest: bytes) -> bool:
        """Tell whether rows became the collection's present document the last time."""
        return self._is_known is not None and self._is_known(collection, digest)


@functools.cache
def _rules() -> str:
    """Return what stands for the rules by which rows become documents: another build may have others."""
    files = [path for module in (__file__, rules.__file__) for path in sorted(Path(module).parent.rglob("*.py"))]
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=SIZE).hexdigest()
