"""Sdists: a .tar.gz, .tgz, .tar.bz2 or .zip with one top folder.

The contents of that folder have changed a lot in twenty years, and installers build an sdist without reading its
metadata, so little is required. Source: the source distribution format (PEP 625, PEP 643).
"""

import bz2
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import IO, Self

from webapp.rules.archives import (
    MAX_ENTRIES,
    MAX_METADATA_BYTES,
    MAX_READ_BYTES,
    PART_BYTES,
    TOO_LONG,
    BadDistribution,
    Bounded,
    Contents,
    check_path,
    most_unpacked,
)
from webapp.rules.zips import check_zip, read_to_end

# The newest standard allows only the first; the Python Package Index accepted the others for many years.
ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".zip")


def read_sdist(file: IO[bytes], ending: str, size: int) -> Contents:
    """Return the contents of an sdist, after all checks. Raises BadDistribution and `archives.DAMAGED`."""
    if ending == ".zip":
        with zipfile.ZipFile(Bounded(file)) as archive:
            return _read_zip(archive, file, size)
    if ending == ".tar.bz2":
        with bz2.BZ2File(file) as unpacked:
            return _read_tar(unpacked, size)
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        found = _read_tar(unpacked, size)
    _check_one_gzip(file)
    return found


def _read_zip(archive: zipfile.ZipFile, file: IO[bytes], size: int) -> Contents:
    check_zip(archive, file, size)
    for entry in archive.infolist():
        read_to_end(archive, entry)
    paths = {entry.filename for entry in archive.infolist() if not entry.is_dir()}
    place = _metadata_place(paths)
    metadata = None
    if place:
        with archive.open(place) as member:
            metadata = member.read(MAX_METADATA_BYTES + 1)
    tops = {path.partition("/")[0] for path in archive.namelist()}
    return _found(tops, paths, metadata, place)


# Entries that hold the name, or more, of the entry after them.
_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)


class _Header(tarfile.TarInfo):
    """An entry of a tar that remembers the size in its own header."""

    header_size = 0

    def _proc_member(self, archive: tarfile.TarFile) -> Self:
        """Process a header whose size nothing else has changed yet. Raises BadDistribution.

        Since Python 3.14.8, tarfile no longer calls `frombuf`, and reads a name of any length piece by piece.
        """
        self.header_size = self.size
        if self.type in _NAMES and self.size > MAX_READ_BYTES:
            raise BadDistribution(TOO_LONG)
        processed: Self = super()._proc_member(archive)  # type: ignore[misc]  # tarfile lets subclasses override it
        return processed


def _read_tar(unpacked: IO[bytes] | gzip.GzipFile, size: int) -> Contents:
    """Read every entry of a tar. All of it is unpacked, but only the metadata is kept."""
    tops: set[str] = set()
    paths: set[str] = set()
    place, metadata, length = None, None, 0
    bounded = Bounded(unpacked, most_unpacked(size))
    with tarfile.open(fileobj=bounded, mode="r:", tarinfo=_Header) as archive:  # type: ignore[call-overload]
        for number, member in enumerate(archive):
            path = str(PurePosixPath(member.name))
            length += len(path)
            if number >= MAX_ENTRIES or length > MAX_READ_BYTES:
                raise BadDistribution(f"The archive has more than {MAX_ENTRIES:,} entries, or too long names.")
            _check_member(member)
            tops.add(path.partition("/")[0])
            if member.isdir():
                continue
            paths.add(path)
            # If two entries have the same name, an installer ends up with the second.
            if member.isreg() and _metadata_place(filter(None, (place, path))) == path:
                reader = archive.extractfile(member)
                place, metadata = path, reader.read(MAX_METADATA_BYTES + 1) if reader else b""
    # Whatever follows the last entry, to the end: only then gzip's checksum of everything is compared.
    while part := bounded.read(PART_BYTES):
        if part.strip(b"\0"):
            raise BadDistribution("The archive goes on after its end: it may be several tar files in one.")
    return _found(tops, paths, metadata, place)


def _check_member(member: _Header) -> None:
    check_path(member.name)
    if member.size != member.header_size or member.issparse():
        # Readers disagree on where the next entry starts, or which bytes belong to this one.
        raise BadDistribution(f"The archive has an entry with two sizes: {member.name[:200]!r}")
    try:
        tarfile.data_filter(member, "/nowhere")
    except tarfile.FilterError as error:
        raise BadDistribution(f"The archive has an entry that installers refuse: {error}"[:300]) from None


def _check_one_gzip(file: IO[bytes]) -> None:
    """Refuse a second gzip file in the same file: pip unpacks it too, uv does not. Zeros at the end are common."""
    file.seek(0)
    stream = zlib.decompressobj(wbits=31)
    while part := file.read(PART_BYTES):
        while part and not stream.eof:
            stream.decompress(part, PART_BYTES)
            part = stream.unconsumed_tail
        if stream.eof and (stream.unused_data or part).strip(b"\0"):
            raise BadDistribution("The archive goes on after its end: it may be several gzip files in one.")


def _depth(path: str) -> int:
    """Return how good a place this is for the metadata: 1 is the best, 0 is none.

    Before 2004 there was no PKG-INFO, and some build tools write it only into `.egg-info`.
    """
    match path.split("/"):
        case ["PKG-INFO"] | [_, "PKG-INFO"]:
            return 1
        case [_, *folders, folder, "PKG-INFO"] if folder.endswith(".egg-info") and len(folders) <= 1:
            return 2 + len(folders)
    return 0


def _metadata_place(paths: Iterable[str]) -> str | None:
    return min((path for path in paths if _depth(path)), key=lambda path: (_depth(path), path), default=None)


def _found(tops: set[str], paths: set[str], metadata: bytes | None, place: str | None) -> Contents:
    if metadata is not None and len(metadata) > MAX_METADATA_BYTES:
        raise BadDistribution(f"PKG-INFO has more than {MAX_METADATA_BYTES:,} bytes.")
    folder, warnings = _top(tops, paths)
    if place is None:
        warnings.append("The sdist has no PKG-INFO, so only its file name says what it is.")
    elif place != f"{folder}/PKG-INFO".lstrip("/"):
        warnings.append(f"The sdist has no PKG-INFO in its folder; {place[:200]} was read instead.")
    return Contents(metadata, paths, folder, warnings)


def _top(tops: set[str], paths: set[str]) -> tuple[str, list[str]]:
    """Return the only folder at the top, or "" if an sdist has none, and oddities."""
    tops = tops - {"", "."}
    if len(tops) == 1 and not tops & paths:
        return tops.pop(), []
    # pip and uv install such files too.
    if paths & {"setup.py", "pyproject.toml"}:
        return "", ["The sdist has no folder at its top for its files."]
    raise BadDistribution(f"An sdist has one folder at its top; this one has {len(tops)} entries there.")
