"""The manifest of a dump, `manifest.json`."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Self

from bson import json_util

from webapp.rules.texts import is_encodable

MANIFEST = "manifest.json"
FORMAT = "larder dump 2"
# Before, all files were lines of text.
READABLE = ("larder dump 1", FORMAT)
# The endings of the files: Extended JSON, one document per line, or BSON, one document after the other.
LINES, BINARY = ".jsonl", ".bson"
_PART = 1_000_000  # bytes read at a time


class BadDump(ValueError):
    """The folder does not contain a dump, or a damaged one; the message says what is wrong."""


class DumpedCollection(NamedTuple):
    """A dumped collection or view."""

    name: str
    options: dict[str, Any]  # as `listCollections` returns them, such as the validator
    file: str = ""  # empty for a view
    documents: int = 0
    bytes: int = 0  # of its BSON
    digest: str = ""  # of its BSON, in any order: extended_json.Digest
    sha256: str = ""  # of the file
    indexes: tuple[dict[str, Any], ...] = ()  # as `listIndexes` returns them

    @property
    def is_view(self) -> bool:
        """Whether it holds no documents of its own."""
        return "viewOn" in self.options


class Manifest(NamedTuple):
    """What a dump contains."""

    database: str
    server: str  # MongoDB's version
    dumped_at: str  # ISO 8601, in UTC
    is_snapshot: bool  # whether all documents are from the same moment
    collections: tuple[DumpedCollection, ...]
    outside: tuple[str, ...] = ()  # collections that are not from that moment

    def as_text(self) -> str:
        """Return the text of the file: readable JSON, and Extended JSON where JSON has no type."""
        found: dict[str, Any] = {"format": FORMAT} | self._asdict()
        found["collections"] = [collection._asdict() for collection in self.collections]
        return as_json(found)

    @classmethod
    def read(cls, folder: Path, only: set[str] | None = None) -> Self:
        """Read the manifest of a folder, and verify its files, or `only` those of some collections. Raises BadDump."""
        try:
            found = from_json((folder / MANIFEST).read_text("utf-8"))
        except OSError as error:
            raise BadDump(f"{folder} does not contain a dump: {MANIFEST}: {error.strerror}") from None
        except ValueError as error:
            raise BadDump(f"{folder / MANIFEST}: {error}") from None
        if not isinstance(found, dict) or found.pop("format", None) not in READABLE:
            raise BadDump(f"{folder / MANIFEST} is not a manifest of {FORMAT!r}")
        try:
            found["outside"] = tuple(found.get("outside", ()))
            found["collections"] = tuple(DumpedCollection(**each) for each in found["collections"])
            manifest = cls(**found)
        except (KeyError, TypeError) as error:
            raise BadDump(f"{folder / MANIFEST}: {error}") from None
        for collection in manifest.collections:
            if only is not None and collection.name not in only:
                continue
            if not collection.is_view and sha256_of(folder / Path(collection.file).name) != collection.sha256:
                raise BadDump(f"{folder / collection.file} was changed after it was written")
        return manifest


def as_json(value: Any) -> str:
    """Return readable JSON, and Extended JSON where JSON has no type."""
    options = json_util.RELAXED_JSON_OPTIONS
    return json_util.dumps(value, json_options=options, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Any:
    """Return what `as_json` was given. Raises ValueError."""
    found = json_util.loads(text, json_options=json_util.RELAXED_JSON_OPTIONS)
    if not is_encodable(as_json(found)):
        raise ValueError("it has lone surrogates, which MongoDB cannot store")
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file. Raises BadDump if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    except OSError as error:
        raise BadDump(f"{path}: {error.strerror}") from None
    return digest.hexdigest()
