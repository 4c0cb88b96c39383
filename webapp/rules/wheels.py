"""Wheels: one `.dist-info` folder whose RECORD lists every file with its digest, and scripts that can be created.

Sources: the binary distribution format, "Recording installed projects" (RECORD), the entry points specification.
"""

import base64
import configparser
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Set as AbstractSet
from typing import IO

from packaging.utils import canonicalize_name

from webapp.rules.archives import DAMAGED, MAX_METADATA_BYTES, BadDistribution, Bounded, Contents, shown
from webapp.rules.naming import parse_version
from webapp.rules.zips import check_zip, read_to_end

MAX_RECORD_BYTES = 20_000_000
# Digests that a RECORD may use. "The hash algorithm must be sha256 or better; specifically, md5 and sha1 are not
# permitted."
DIGESTS = ("sha256", "sha384", "sha512", "blake2b", "sha3_256", "sha3_384", "sha3_512")
# They cannot contain a digest of themselves, or are made afterwards.
_UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")
# "importable.module:object.attr [extra]"; only the names of extras matter, and they are obsolete.
_SCRIPT = re.compile(r"\w+(\.\w+)*\s*:\s*\w+(\.\w+)*\s*(\[[^\[\]]*\])?")
_SCRIPT_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_SCRIPTS = ("console_scripts", "gui_scripts")

Record = dict[str, set[str]]


def read_wheel(archive: zipfile.ZipFile, file: IO[bytes], size: int, project: str, version: object) -> Contents:
    """Return the contents of the wheel of this project and version, after all checks. Raises BadDistribution."""
    check_zip(archive, file, size)
    paths = {entry.filename for entry in archive.infolist() if not entry.is_dir()}
    folder = _only_folder(archive.namelist(), project, version)
    warnings = _check_places(paths, folder, project)
    read_member(archive, f"{folder}/WHEEL", MAX_METADATA_BYTES)
    record = parse_record(read_member(archive, f"{folder}/RECORD", MAX_RECORD_BYTES))
    warnings += _compare(archive, record, folder, paths)
    entry_points: list[str] = []
    if f"{folder}/entry_points.txt" in paths:
        entry_points = parse_entry_points(read_member(archive, f"{folder}/entry_points.txt", MAX_METADATA_BYTES))
    metadata = read_member(archive, f"{folder}/METADATA", MAX_METADATA_BYTES)
    return Contents(metadata, paths, folder, warnings, entry_points)


def read_member(archive: zipfile.ZipFile, path: str, most: int) -> bytes:
    """Return the contents of an entry. Raises BadDistribution if it is missing or too large."""
    try:
        member = archive.open(path)
    except KeyError:
        raise BadDistribution(f"The archive has no {path[:200]}.") from None
    with member:
        data = member.read(most + 1)
    if len(data) > most:
        raise BadDistribution(f"{path[:200]} has more than {most:,} bytes.")
    return data


def metadata_in(file: IO[bytes], most: int) -> bytes:
    """Return the core metadata of a wheel of which nothing else is known. Raises BadDistribution."""
    try:
        with zipfile.ZipFile(Bounded(file)) as archive:
            paths = [path for path in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", path)]
            if len(paths) != 1:
                raise BadDistribution(f"A wheel has one .dist-info/METADATA; this one has {len(paths)}.")
            return read_member(archive, paths[0], most)
    except DAMAGED as error:
        if isinstance(error, BadDistribution):
            raise
        raise BadDistribution(f"The archive cannot be read: {type(error).__name__}.") from None


def _only_folder(names: list[str], project: str, version: object) -> str:
    folders = {path.partition("/")[0] for path in names if "/" in path}
    folders = {folder for folder in folders if folder.endswith(".dist-info")}
    if len(folders) != 1:
        raise BadDistribution(f"A wheel has one .dist-info folder; this one has {len(folders)}.")
    folder = folders.pop()
    its_project, _, its_version = folder.removesuffix(".dist-info").partition("-")
    if canonicalize_name(its_project) != project or parse_version(its_version) != version:
        raise BadDistribution(f"The wheel's folder {folder[:200]} does not match its file name.")
    return folder


def _check_places(paths: set[str], folder: str, project: str) -> list[str]:
    """Return warnings about what installers put in different places. Raises BadDistribution for what no tool makes.

    pip spreads every top-level folder that ends in `.data` over the environment, uv only the wheel's own (pip 26.3, uv
    0.13.9). Old versions of `wheel` wrote another version into its name. A backslash separates folders on Windows only.
    """
    own = folder.removesuffix(".dist-info") + ".data"
    warnings = set()
    for path in paths:
        top, separator, _ = path.partition("/")
        if "\\" in path:
            raise BadDistribution(
                f"The wheel has a name with a backslash, which not every system reads in the same way: {shown(path)}"
            )
        if not separator or not top.endswith(".data") or top == own:
            continue
        if canonicalize_name(top.removesuffix(".data").partition("-")[0]) != project:
            raise BadDistribution(f"The wheel has a .data folder of another project: {shown(top)}")
        warnings.add(f"Not every installer knows {shown(top)} for the wheel's own .data folder, {shown(own)}.")
    return sorted(warnings)


def parse_record(raw: bytes) -> Record:
    """Return the digests that RECORD has for each path; more than one if a path is listed twice."""
    record: Record = {}
    try:
        for row in csv.reader(io.StringIO(raw.decode(), newline=""), strict=True):
            if row:
                record.setdefault(row[0], set()).add(row[1] if len(row) > 1 else "")
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadDistribution(f"The wheel's RECORD cannot be read: {str(error)[:200]}") from None
    if not record:
        raise BadDistribution("The wheel's RECORD is empty.")
    return record


def _compare(archive: zipfile.ZipFile, record: Record, folder: str, paths: set[str]) -> list[str]:
    """Unpack every file, and compare it with its digest in RECORD; return oddities of RECORD."""
    own = {f"{folder}/{name}" for name in _UNLISTED}
    if missing := paths - record.keys() - own:
        raise BadDistribution(f"The wheel's RECORD does not list {_first_of(missing)}.")
    undigested: set[str] = set()
    hexadecimal: set[str] = set()
    for entry in archive.infolist():
        said = [_Said(each, entry.filename) for each in record.get(entry.filename, ()) if each]
        read_to_end(archive, entry, [each.hash for each in said])
        if not all(each.is_right() for each in said):
            raise BadDistribution(f"The wheel's RECORD has another digest of {shown(entry.filename)} than the file.")
        if any(each.is_hexadecimal for each in said):
            hexadecimal.add(entry.filename)
        if not said and entry.filename in paths - own:
            undigested.add(entry.filename)
    absent = record.keys() - set(archive.namelist())
    oddities = (
        ("RECORD has no digest of {}.", undigested),
        ("RECORD writes digests in hexadecimal, not in base64: {}.", hexadecimal),
        ("RECORD lists what is not in the wheel: {}.", absent),
    )
    return [warning.format(_first_of(found)) for warning, found in oddities if found]


class _Said:
    """A digest in RECORD: "sha256=" and the digest in base64 without padding; flit 0.x wrote it in hexadecimal."""

    def __init__(self, text: str, path: str) -> None:
        name, _, digest = text.partition("=")
        if name not in DIGESTS:
            raise BadDistribution(f"The wheel's RECORD has a digest of a kind that is not allowed: {shown(path)}")
        self.hash = hashlib.new(name)
        self._digest = digest
        self.is_hexadecimal = len(digest) == 2 * self.hash.digest_size

    def is_right(self) -> bool:
        """Tell whether this is the digest of what was read."""
        found = self.hash.digest()
        return self._digest == (
            found.hex() if self.is_hexadecimal else base64.urlsafe_b64encode(found).rstrip(b"=").decode()
        )


def _first_of(paths: AbstractSet[str]) -> str:
    rest = len(paths) - 1
    return shown(min(paths)) + (f" and {rest:,} more" if rest else "")


def parse_entry_points(raw: bytes) -> list[str]:
    """Return entry points in order: ["console_scripts: flask = flask.cli:main"].

    Invalid ones are refused, and so are scripts that installers cannot create, or would create elsewhere.
    """
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of entry points keep their case
    try:
        parser.read_string(raw.decode("utf-8-sig"))
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadDistribution(f"The wheel's entry_points.txt cannot be read: {reason}") from None
    for group in filter(parser.has_section, _SCRIPTS):
        for name, value in parser.items(group):
            if not _SCRIPT.fullmatch(value) or not _SCRIPT_NAME.fullmatch(name) or name in (".", ".."):
                raise BadDistribution(
                    f"The wheel's entry_points.txt has a script that cannot be made: {shown(f'{name} = {value}')}"
                )
    return sorted(f"{group}: {name} = {value}" for group in parser.sections() for name, value in parser.items(group))
