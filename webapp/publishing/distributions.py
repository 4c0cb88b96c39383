"""What an uploaded file is: a wheel or an sdist that opens, with core metadata that fit to its name. Pure functions.

Nothing of the file is written to the disk; all of it is unpacked, part by part, and only its metadata are kept. Memory
and time are bounded by what is read, not by what the file says of itself.

Sources: the binary distribution format, the source distribution format (PEP 625, PEP 643), the core metadata.
"""

import gzip
import re
import struct
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from packaging.metadata import InvalidMetadata, Metadata, RawMetadata, parse_email
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

WHEEL, SDIST = "bdist_wheel", "sdist"
MAX_FILENAME_LENGTH = 255
# The most metadata that a project on PyPI has is about half of this; nearly all of it is the description.
MAX_METADATA_BYTES = 1_000_000
MAX_RECORD_BYTES = 20_000_000
MAX_ENTRIES = 100_000
# `zipfile` reads the list of a zip's entries at once, and `tarfile` reads a long name at once: these are no longer.
MAX_READ_BYTES = 8_000_000
# What a file may grow to when it is unpacked: so many times its size, and this much in any case. PyPI has the same.
MAX_RATIO = 50
ALWAYS_BYTES = 64_000_000
# So much is unpacked at once.
_PART_BYTES = 1_000_000
# A wheel's name says this many combinations of interpreter, ABI and platform at most.
MAX_TAGS = 500
MAX_SUMMARY_LENGTH = 1000
MAX_CLASSIFIERS = 200
MAX_CLASSIFIER_LENGTH = 200
MAX_KEYWORDS = 500

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")
# What the archives of the standard library raise at what is none, or is damaged.
_DAMAGED = (
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


class BadDistribution(ValueError):
    """The file cannot be published; the message says why, in one line."""


class Distribution(NamedTuple):
    """What a file says of itself."""

    filename: str
    canonical_name: str  # the same for all spellings of the file name
    normalized_name: str
    version: str  # in its usual form (PEP 440), with as many parts as the metadata write
    packagetype: str  # WHEEL or SDIST
    python_version: str  # "py3", "cp311", "source", ...
    requires_python: str | None
    metadata: str


class _Name(NamedTuple):
    canonical: str
    project: str
    version: Version
    packagetype: str
    python_version: str


def examine(filename: str, file: IO[bytes], size: int) -> Distribution:
    """Return what an uploaded file says of itself, once it is known to be sound. Raises BadDistribution."""
    name = _parse_filename(filename)
    file.seek(0)
    try:
        if filename.endswith(".tar.gz"):
            raw = _read_tar(file, name, size)
        else:
            with zipfile.ZipFile(_Bounded(file)) as archive:
                read = _read_wheel if name.packagetype == WHEEL else _read_zip
                raw = read(archive, name, size)
    except BadDistribution:
        raise
    except _DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadDistribution(f"{filename} cannot be opened, it is damaged or of another kind: {reason}") from None
    text = _decoded(raw)
    raw_metadata = _checked_metadata(text, name)
    return Distribution(
        filename=filename,
        canonical_name=name.canonical,
        normalized_name=name.project,
        version=str(Version(raw_metadata["version"])),
        packagetype=name.packagetype,
        python_version=name.python_version,
        requires_python=raw_metadata.get("requires_python"),
        metadata=text,
    )


def _parse_filename(filename: str) -> _Name:
    if len(filename) > MAX_FILENAME_LENGTH or not _FILENAME.fullmatch(filename):
        raise BadDistribution("This is no name of a wheel or sdist; it has letters, digits and . _ + ! - only.")
    try:
        if filename.endswith(".whl"):
            parts = filename.removesuffix(".whl").split("-")
            # `packaging` makes every combination of the tags, of which a hostile name has a thousand million.
            combinations = 1
            for tags in parts[-3:]:
                combinations *= tags.count(".") + 1
            if combinations > MAX_TAGS:
                raise BadDistribution(f"The file name has more than {MAX_TAGS} combinations of tags.")
            project, version, build, _ = parse_wheel_filename(filename)
            sorted_tags = [".".join(sorted(set(each.lower().split(".")))) for each in parts[-3:]]
            numbers = [canonicalize_version(version), *(["".join(map(str, build))] if build else [])]
            return _Name(f"{'-'.join([project, *numbers, *sorted_tags])}.whl", project, version, WHEEL, parts[-3])
        project, version = parse_sdist_filename(filename)
        kind = ".zip" if filename.endswith(".zip") else ".tar.gz"
        return _Name(f"{project}-{canonicalize_version(version)}{kind}", project, version, SDIST, "source")
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise BadDistribution(f"This is no name of a wheel (.whl) or sdist (.tar.gz, .zip): {error}") from None


class _Bounded:
    """A file of which nobody reads much at once, so that what it says of itself cannot fill the memory."""

    def __init__(self, file: IO[bytes], most_unpacked: int | None = None) -> None:
        self._file = file
        self._most_unpacked = most_unpacked
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, MAX_READ_BYTES + 1) if size >= 0 else MAX_READ_BYTES + 1)
        if len(data) > MAX_READ_BYTES:
            raise BadDistribution("The archive's own list of contents, or a name in it, is too long.")
        if self._most_unpacked is not None and self._file.tell() > self._most_unpacked:
            raise BadDistribution(_BOMB)
        return data


_BOMB = f"The archive unpacks to more than {MAX_RATIO} times its size."


def _most_unpacked(size: int) -> int:
    return max(ALWAYS_BYTES, MAX_RATIO * size)


def _check_zip(archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise BadDistribution(f"The archive has more than {MAX_ENTRIES:,} entries.")
    if len({entry.filename for entry in entries}) < len(entries):
        raise BadDistribution("The archive has two entries of the same name.")
    for entry in entries:
        _check_path(entry.filename)
        if entry.flag_bits & 1:
            raise BadDistribution(f"The archive is encrypted: {entry.filename[:200]}")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadDistribution(f"The archive has a compression that installers lack: {entry.filename[:200]}")
    if sum(entry.file_size for entry in entries) > _most_unpacked(size):
        raise BadDistribution(_BOMB)
    # Bytes that many entries share would be read for each of them.
    if sum(entry.compress_size for entry in entries) > size:
        raise BadDistribution("The archive has entries that overlap.")
    for entry in entries:
        _read_to_end(archive, entry)


def _read_to_end(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpack an entry and keep nothing; `zipfile` compares the name before its bytes, and at their end their sum."""
    length = 0
    with archive.open(entry) as member:
        while part := member.read(_PART_BYTES):
            length += len(part)
    if length != entry.file_size:
        raise BadDistribution(f"The archive has an entry of another length than it says: {entry.filename[:200]!r}")


def _check_path(path: str) -> None:
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or (parts[0][1:2] == ":") or not path:
        raise BadDistribution(f"The archive has an entry outside of its own folder: {path[:200]!r}")


def _read_wheel(archive: zipfile.ZipFile, name: _Name, size: int) -> bytes:
    _check_zip(archive, size)
    folders = {path.partition("/")[0] for path in archive.namelist() if ".dist-info/" in path}
    folders = {folder for folder in folders if folder.endswith(".dist-info")}
    if len(folders) != 1:
        raise BadDistribution(f"A wheel has one .dist-info folder; this one has {len(folders)}.")
    folder = folders.pop()
    project, _, version = folder.removesuffix(".dist-info").partition("-")
    if canonicalize_name(project) != name.project or _version(version) != name.version:
        raise BadDistribution(f"The wheel's folder {folder[:200]} does not fit to its file name.")
    for part, most in (("WHEEL", MAX_METADATA_BYTES), ("RECORD", MAX_RECORD_BYTES)):
        _read_member(archive, f"{folder}/{part}", most)
    return _read_member(archive, f"{folder}/METADATA", MAX_METADATA_BYTES)


def _read_zip(archive: zipfile.ZipFile, name: _Name, size: int) -> bytes:
    _check_zip(archive, size)
    folder = _only_folder({path.partition("/")[0] for path in archive.namelist()}, name)
    return _read_member(archive, f"{folder}/PKG-INFO", MAX_METADATA_BYTES)


def _read_member(archive: zipfile.ZipFile, path: str, most: int) -> bytes:
    try:
        member = archive.open(path)
    except KeyError:
        raise BadDistribution(f"The archive has no {path[:200]}.") from None
    with member:
        data = member.read(most + 1)
    if len(data) > most:
        raise BadDistribution(f"{path[:200]} has more than {most:,} bytes.")
    return data


def _read_tar(file: IO[bytes], name: _Name, size: int) -> bytes:
    """Read every header of a .tar.gz, and its PKG-INFO; the whole file is unpacked, and nothing is kept."""
    found: bytes | None = None
    folders = set()
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        bounded = _Bounded(unpacked, _most_unpacked(size))  # type: ignore[arg-type] # as good as any for reading
        with tarfile.open(fileobj=bounded, mode="r:") as archive:  # type: ignore[call-overload]
            for number, member in enumerate(archive):
                if number >= MAX_ENTRIES:
                    raise BadDistribution(f"The archive has more than {MAX_ENTRIES:,} entries.")
                _check_member(member)
                path = PurePosixPath(member.name)
                folders.add(path.parts[0] if path.parts else "")
                if len(path.parts) == 2 and path.name == "PKG-INFO" and member.isreg():
                    if member.size > MAX_METADATA_BYTES:
                        raise BadDistribution(f"PKG-INFO has more than {MAX_METADATA_BYTES:,} bytes.")
                    reader = archive.extractfile(member)
                    found = reader.read() if reader else None
        # What follows the last entry, to the end: only then the sum that gzip keeps of everything is compared.
        while bounded.read(_PART_BYTES):
            pass
    _only_folder(folders, name)
    if found is None:
        raise BadDistribution("The sdist has no PKG-INFO in its folder.")
    return found


def _check_member(member: tarfile.TarInfo) -> None:
    _check_path(member.name)
    try:
        tarfile.data_filter(member, "/nowhere")
    except tarfile.FilterError as error:
        raise BadDistribution(f"The archive has an entry that installers refuse: {error}"[:300]) from None


def _only_folder(folders: set[str], name: _Name) -> str:
    if len(folders) != 1:
        raise BadDistribution(f"An sdist has one folder at its top; this one has {len(folders)} entries there.")
    folder = next(iter(folders))
    # Old tools left hyphens in the name of the project, so the last one parts it from the version.
    project, _, version = folder.rpartition("-")
    if canonicalize_name(project) != name.project or _version(version) != name.version:
        raise BadDistribution(f"The sdist's folder {folder[:200]} does not fit to its file name.")
    return folder


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadDistribution("The metadata are not in UTF-8.") from None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _checked_metadata(text: str, name: _Name) -> RawMetadata:
    """Return what the metadata say, once they are valid and fit to the file name."""
    try:
        Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        errors = [error for error in group.exceptions if not _is_borne(error)]
        if errors:
            reasons = "; ".join(" ".join(str(error).split())[:200] for error in errors[:5])
            raise BadDistribution(f"The metadata are not valid: {reasons}") from None
    raw, _ = parse_email(text)
    if canonicalize_name(raw.get("name", "")) != name.project:
        raise BadDistribution(f"The metadata are of another project, {raw.get('name', '')[:200]!r}.")
    if _version(raw.get("version", "")) != name.version:
        raise BadDistribution(f"The metadata are of another version, {raw.get('version', '')[:200]!r}.")
    if len(raw.get("summary") or "") > MAX_SUMMARY_LENGTH:
        raise BadDistribution(f"The summary has more than {MAX_SUMMARY_LENGTH:,} characters.")
    classifiers = raw.get("classifiers", [])
    if len(classifiers) > MAX_CLASSIFIERS or any(len(each) > MAX_CLASSIFIER_LENGTH for each in classifiers):
        raise BadDistribution(f"At most {MAX_CLASSIFIERS} classifiers of {MAX_CLASSIFIER_LENGTH} characters, please.")
    if len(raw.get("keywords", [])) > MAX_KEYWORDS:
        raise BadDistribution(f"At most {MAX_KEYWORDS} keywords, please.")
    return raw


def _is_borne(error: Exception) -> bool:
    """Tell whether files with this mistake are everywhere, and installers do not mind.

    setuptools wrote `License-File` for years before the specification had it, and tools add fields of their own.
    """
    if not isinstance(error, InvalidMetadata):
        return False
    is_early_license = error.field == "license-file" and "introduced in" in str(error)
    return is_early_license or str(error).startswith("unrecognized field")
