"""Shared by the checks of zip and tar files: reasons for a refusal, limits, and paths.

Nothing is written to the disk. Everything is unpacked piece by piece, and only the metadata is kept. Memory and time
are limited by what is read, not by what an archive says about itself.
"""

import gzip
import re
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from typing import IO, NamedTuple

MAX_ENTRIES = 100_000
# `zipfile` reads the directory of a zip at once, and `tarfile` a long name at once: neither may be longer.
MAX_READ_BYTES = 8_000_000
# How large a file may become when it is unpacked: this many times its size, and at least this much. PyPI has the same.
MAX_RATIO = 50
ALWAYS_BYTES = 64_000_000
# The largest metadata on PyPI is about half of this; nearly all of it is the description.
MAX_METADATA_BYTES = 1_000_000
# How much is unpacked at a time.
PART_BYTES = 1_000_000

# What the standard library raises for damaged archives, or for files of another kind.
DAMAGED = (
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
TOO_LONG = "The archive's own list of contents, or a name in it, is too long."
UNPACKS_TOO_LARGE = f"The archive unpacks to more than {MAX_RATIO} times its size."

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BadDistribution(ValueError):
    """The file cannot be published. The message says why, on one line."""


class Contents(NamedTuple):
    """The contents of an archive."""

    metadata: bytes | None  # METADATA or PKG-INFO; None if an sdist has none
    paths: set[str]  # of all its files
    folder: str  # `.dist-info` of a wheel, or the top folder of an sdist
    warnings: list[str]  # oddities, one sentence each
    entry_points: list[str] | None = None  # of a wheel, such as "console_scripts: flask = flask.cli:main"


class Bounded:
    """A file that returns a little at a time, so that an archive's claims about itself cannot fill the memory."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, most_unpacked: int | None = None) -> None:
        self._file = file
        self._most_unpacked = most_unpacked
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read this many bytes. Raises BadDistribution if that is too many, or if too much was unpacked so far."""
        data = self._file.read(min(size, MAX_READ_BYTES + 1) if size >= 0 else MAX_READ_BYTES + 1)
        if len(data) > MAX_READ_BYTES:
            raise BadDistribution(TOO_LONG)
        if self._most_unpacked is not None and self._file.tell() > self._most_unpacked:
            raise BadDistribution(UNPACKS_TOO_LARGE)
        return data


def most_unpacked(size: int) -> int:
    """Return how many bytes an archive of this size may unpack to."""
    return max(ALWAYS_BYTES, MAX_RATIO * size)


def check_path(path: str) -> None:
    """Refuse a path that leads outside the folder into which an archive is unpacked, on any system."""
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or (parts[0][1:2] == ":") or not path:
        raise BadDistribution(f"The archive has an entry outside of its own folder: {shown(path)}")


def file_of(path: str) -> str:
    """Return the same text for all paths that could be one file on some system: "./Caf\u00e9//X" and "cafe\u0301/x".

    Windows treats a backslash as a slash and drops dots and spaces at the end of a name, and macOS and Windows compare
    names without case and partly in Unicode's form NFC.
    """
    parts = [part.rstrip(". ") for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())


def has_control_characters(path: str) -> bool:
    """Tell whether a path contains a control character (Unicode category Cc), such as NUL or a line break."""
    return bool(_CONTROL.search(path))


def shown(path: str) -> str:
    """Return a path for a message: quoted, escaped and shortened."""
    return ascii(path[:200])
