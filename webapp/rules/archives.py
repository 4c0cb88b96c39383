"""What the checks of zip files and of tar files share: the reasons for a refusal, the limits, and paths.

Nothing is written to the disk; everything is unpacked, part by part, and only the metadata are kept. Memory and time
are bounded by what is read, not by what an archive says about itself.
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
# `zipfile` reads the list of a zip's entries at once, and `tarfile` a long name at once: neither may be longer.
MAX_READ_BYTES = 8_000_000
# What a file may grow to when it is unpacked: so many times its size, and this much in any case. PyPI has the same.
MAX_RATIO = 50
ALWAYS_BYTES = 64_000_000
# The largest metadata on PyPI are about half of this; nearly all of it is the description.
MAX_METADATA_BYTES = 1_000_000
# This much is unpacked at a time.
PART_BYTES = 1_000_000

# What the standard library's archives raise for a file that is damaged, or of another kind.
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
UNPACKS_TOO_LARGE = f"The archive unpacks to more than {MAX_RATIO} times its size."

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BadDistribution(ValueError):
    """The file cannot be published; the message says why, in one line."""


class Contents(NamedTuple):
    """What was found in an archive."""

    metadata: bytes | None  # METADATA or PKG-INFO; None if an sdist has none
    paths: set[str]  # of all its files
    folder: str  # `.dist-info` of a wheel, the folder at the top of an sdist
    warnings: list[str]  # what is odd, a sentence each
    entry_points: list[str] | None = None  # of a wheel, "console_scripts: flask = flask.cli:main"


class Bounded:
    """A file that gives little at a time, so that what an archive says about itself cannot fill the memory."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, most_unpacked: int | None = None) -> None:
        self._file = file
        self._most_unpacked = most_unpacked
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read this many bytes. Raises BadDistribution if they are too many, or if too much was unpacked by now."""
        data = self._file.read(min(size, MAX_READ_BYTES + 1) if size >= 0 else MAX_READ_BYTES + 1)
        if len(data) > MAX_READ_BYTES:
            raise BadDistribution("The archive's own list of contents, or a name in it, is too long.")
        if self._most_unpacked is not None and self._file.tell() > self._most_unpacked:
            raise BadDistribution(UNPACKS_TOO_LARGE)
        return data


def most_unpacked(size: int) -> int:
    """Return how many bytes an archive of this size may unpack to."""
    return max(ALWAYS_BYTES, MAX_RATIO * size)


def check_path(path: str) -> None:
    """Refuse a path that leads out of the folder into which an archive is unpacked, on any system."""
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or (parts[0][1:2] == ":") or not path:
        raise BadDistribution(f"The archive has an entry outside of its own folder: {shown(path)}")


def file_of(path: str) -> str:
    """Return the same text for all paths that can be one file on some system: "./Caf\u00e9//X" and "cafe\u0301/x".

    Windows takes a backslash for a slash, and macOS and Windows compare names without their case and, in part, in
    Unicode's form NFC.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())


def has_control_characters(path: str) -> bool:
    """Tell whether a path holds a character of Unicode's category Cc, for instance NUL or a line break."""
    return bool(_CONTROL.search(path))


def shown(path: str) -> str:
    """Return a path as a message shows it: quoted, escaped and bounded."""
    return ascii(path[:200])
