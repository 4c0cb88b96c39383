"""What a dump holds: its file `manifest.json`."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Self

from bson import json_util

MANIFEST = "manifest.json"
FORMAT = "larder dump 1"
_PART = 1_000_000  # bytes that are read at a time


class BadDump(ValueError):
    """A folder holds no dump, or not as it was written; the message says what is wrong."""


class DumpedCollection(NamedTuple):
    """A collection, or a view of one, as it was dumped."""

    name: str
    options: dict[str, Any]  # as `listCollections` gives them: the validator, for one
    file: str = ""  # of a view there is none
    documents: int = 0
    bytes: int = 0  # of its BSON
    digest: str = ""  # of its BSON, in no particular order: extended_json.Digest
    sha256: str = ""  # of the file
    indexes: tuple[dict[str, Any], ...] = ()  # as `listIndexes` gives them

    @property
    def is_view(self) -> bool:
        """Whether it holds no documents of its own."""
        return "viewOn" in self.options


class Manifest(NamedTuple):
    """What stands in a dump."""

    database: str
    server: str  # MongoDB's version
    dumped_at: str  # ISO 8601, in UTC
    is_snapshot: bool  # whether all of it is as it was at one moment
    collections: tuple[DumpedCollection, ...]

    def as_text(self) -> str:
        """Return it as the file holds it: JSON that a person can read, in Extended JSON where JSON has no word."""
        found: dict[str, Any] = {"format": FORMAT} | self._asdict()
        found["collections"] = [collection._asdict() for collection in self.collections]
        return json_util.dumps(found, json_options=json_util.RELAXED_JSON_OPTIONS, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what a folder's manifest says, after a look at each of its files. Raises BadDump."""
        try:
            found = json_util.loads((folder / MANIFEST).read_text("utf-8"), json_options=json_util.RELAXED_JSON_OPTIONS)
        except OSError as error:
            raise BadDump(f"{folder} holds no dump: {MANIFEST}: {error.strerror}") from None
        except ValueError as error:
            raise BadDump(f"{folder / MANIFEST}: {error}") from None
        if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
            raise BadDump(f"{folder / MANIFEST} does not say that it is a {FORMAT!r}")
        try:
            found["collections"] = tuple(DumpedCollection(**each) for each in found["collections"])
            manifest = cls(**found)
        except (KeyError, TypeError) as error:
            raise BadDump(f"{folder / MANIFEST}: {error}") from None
        for collection in manifest.collections:
            if not collection.is_view and sha256_of(folder / Path(collection.file).name) != collection.sha256:
                raise BadDump(f"{folder / collection.file} is not as it was written")
        return manifest


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes. Raises BadDump when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    except OSError as error:
        raise BadDump(f"{path}: {error.strerror}") from None
    return digest.hexdigest()
