"""Make sure that every reader finds the same entries in a zip file.

pip reads the directory at the end of the file (the "central directory"); uv unpacks the entries from the start while
the file arrives. A file in which the two differ installs different things. So the entries and then the directory must
fill the file without gaps, and agree about each entry.

Source: PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO, Protocol

from webapp.rules.archives import (
    MAX_ENTRIES,
    PART_BYTES,
    UNPACKS_TOO_LARGE,
    BadDistribution,
    check_path,
    file_of,
    has_control_characters,
    most_unpacked,
    shown,
)

# Signature, flags, method, CRC-32, packed size, size, length of the name, length of the extra fields (4.3.7).
_LOCAL = struct.Struct("<4s2xHH4xLLLHH")
_LISTED_BYTES = 46  # of an entry in the directory, without its name, extra fields and comment (4.3.12)
# The ends of the directory: of large files (4.3.14), its locator (4.3.15), and of any file (4.3.16).
_WIDE_END = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END = struct.Struct("<4s4H2LH")
_MAX_END_BYTES = _WIDE_END.size + _LOCATOR.size + _END.size + 0xFFFF

_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_IN_EXTRA = 0xFFFFFFFF  # the size is in an extra field
_SIZES_EXTRA, _NAME_EXTRA = 0x0001, 0x7075  # 4.5.3, 4.6.9


class Digest(Protocol):
    """The interface of `hashlib`'s objects."""

    def update(self, data: bytes, /) -> None:
        """Add these bytes."""


def check_zip(archive: zipfile.ZipFile, file: IO[bytes], size: int) -> None:
    """Refuse a zip file that is too large, that leads outside its folder, or that two readers could read differently.

    Raises BadDistribution. Nothing is unpacked here.
    """
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise BadDistribution(f"The archive has more than {MAX_ENTRIES:,} entries.")
    for entry in entries:
        _check_entry(entry)
    if sum(entry.file_size for entry in entries) > most_unpacked(size):
        raise BadDistribution(UNPACKS_TOO_LARGE)
    _check_names(entries)
    _check_places(archive, file, size)


def read_to_end(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, digests: Iterable[Digest] = ()) -> None:
    """Unpack an entry, keeping only its digests; `zipfile` compares its CRC-32 at the end.

    Raises BadDistribution.
    """
    length = 0
    with archive.open(entry) as member:
        while part := member.read(PART_BYTES):
            length += len(part)
            for digest in digests:
                digest.update(part)
    if length != entry.file_size:
        raise BadDistribution(f"The archive has an entry with another length than it states: {shown(entry.filename)}")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    check_path(entry.filename)
    if has_control_characters(entry.orig_filename):
        raise BadDistribution(f"The archive has a name with control characters: {shown(entry.orig_filename)}")
    if entry.flag_bits & _ENCRYPTED:
        raise BadDistribution(f"The archive is encrypted: {shown(entry.filename)}")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadDistribution(f"The archive uses a compression that installers do not support: {shown(entry.filename)}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise BadDistribution(
            f"The archive has a symbolic link, which not every installer creates: {shown(entry.filename)}"
        )
    if entry.is_dir() and entry.file_size:
        raise BadDistribution(f"The archive has a folder with contents of its own: {shown(entry.filename)}")


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse two entries that would be one file, and a file in the place of a folder."""
    # With NUL between their parts, the contents of a folder sort right after a file with the folder's name.
    keys = [file_of(entry.filename).replace("/", "\0") + "\0" * entry.is_dir() for entry in entries]
    ordered = sorted(zip(keys, (entry.filename for entry in entries), strict=True))
    for (one, _), (other, path) in pairwise(ordered):
        if one == other:
            raise BadDistribution(
                f"The archive has two entries of the same name, at least on some systems: {shown(path)}"
            )
        if not one.endswith("\0") and other.startswith(one + "\0"):
            raise BadDistribution(f"The archive has a file and a folder with the same name: {shown(path)}")


def _check_places(archive: zipfile.ZipFile, file: IO[bytes], size: int) -> None:
    entries = archive.infolist()
    place = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset != place:
            raise BadDistribution(
                "The archive has bytes before or between its entries that its list of contents does not mention, "
                f"or entries that overlap; see {shown(entry.filename)}."
            )
        place = _end_of(file, entry)
    if place != archive.start_dir:
        raise BadDistribution("The archive has bytes, or entries, that its list of contents does not mention.")
    listed = sum(_LISTED_BYTES + len(_raw_name(each)) + len(each.extra) + len(each.comment) for each in entries)
    file.seek(place + listed)
    end = file.read(_MAX_END_BYTES + 1)
    if place + listed > size or not _is_end(end, len(entries), listed, place):
        raise BadDistribution("The archive goes on after its list of contents: it may be several zip files in one.")


def _end_of(file: IO[bytes], entry: zipfile.ZipInfo) -> int:
    """Return where an entry ends, after checking that what surrounds its bytes agrees with the directory."""
    file.seek(entry.header_offset)
    signature, flags, method, crc, packed, unpacked, name_length, extra_length = _LOCAL.unpack(file.read(_LOCAL.size))
    name, extra = file.read(name_length), file.read(extra_length)
    listed = (entry.CRC, entry.compress_size, entry.file_size)
    packed, unpacked = _sizes(entry, name, extra, packed, unpacked)
    end = entry.header_offset + _LOCAL.size + name_length + extra_length + entry.compress_size
    is_same = signature == b"PK\x03\x04" and name == _raw_name(entry) and method == entry.compress_type
    is_same = is_same and not (flags ^ entry.flag_bits) & (_ENCRYPTED | _SIZES_FOLLOW | _UTF8)
    here = (crc, packed, unpacked)
    if flags & _SIZES_FOLLOW:
        is_same = is_same and all(one in (0, other) for one, other in zip(here, listed, strict=True))
        end += _length_of_sizes(file, end, listed)
    if not is_same or (here != listed and not flags & _SIZES_FOLLOW):
        reason = "The archive says one thing about an entry in its list of contents and another before its bytes"
        raise BadDistribution(f"{reason}: {shown(entry.filename)}")
    return end


def _length_of_sizes(file: IO[bytes], place: int, listed: tuple[int, int, int]) -> int:
    """Return the length of the "data descriptor" that repeats CRC-32 and sizes after the bytes (4.3.9); 0 if absent."""
    file.seek(place)
    found = file.read(24)
    for signature in (b"PK\x07\x08", b""):
        for form in ("<LLL", "<LQQ"):
            if form == "<LQQ" or max(listed) <= _IN_EXTRA:
                expected = signature + struct.pack(form, *listed)
                if found.startswith(expected):
                    return len(expected)
    return 0


def _sizes(entry: zipfile.ZipInfo, name: bytes, extra: bytes, packed: int, unpacked: int) -> tuple[int, int]:
    """Return the two sizes in front of an entry's bytes, or from its extra fields.

    Raises BadDistribution if an extra field gives the entry another name, or if there are two pairs of sizes.
    """
    for fields in (extra, entry.extra):
        wide = [data for key, data in _extra_fields(fields) if key == _SIZES_EXTRA]
        names = [data[5:] for key, data in _extra_fields(fields) if key == _NAME_EXTRA]
        if len(wide) > 1 or any(each != name for each in names):
            raise BadDistribution(f"The archive has an entry with two names or sizes: {shown(entry.filename)}")
    for data in (data for key, data in _extra_fields(extra) if key == _SIZES_EXTRA):
        numbers = iter(struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8]))
        # Some tools write both even if the sizes before are not placeholders.
        unpacked = next(numbers, unpacked) if unpacked == _IN_EXTRA or len(data) >= 16 else unpacked
        packed = next(numbers, packed) if packed == _IN_EXTRA or len(data) >= 16 else packed
    return packed, unpacked


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        key, length = struct.unpack_from("<HH", extra)
        yield key, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437")


def _is_end(end: bytes, count: int, length: int, place: int) -> bool:
    """Tell whether these bytes are exactly the end of a directory of this number, size and position."""
    expected = [0, 0, count, count, length, place]
    is_wide = end.startswith(b"PK\x06\x06")
    if is_wide:
        if len(end) < _WIDE_END.size + _LOCATOR.size:
            return False
        wide, locator = _WIDE_END.unpack_from(end), _LOCATOR.unpack_from(end, _WIDE_END.size)
        if wide[1] != _WIDE_END.size - 12 or list(wide[4:]) != expected:
            return False
        if locator != (b"PK\x06\x07", 0, place + length, 1):
            return False
        end = end[_WIDE_END.size + _LOCATOR.size :]
    if len(end) < _END.size:
        return False
    signature, *numbers, comment_length = _END.unpack_from(end)
    marks = [0xFFFF] * 4 + [0xFFFFFFFF] * 2
    are_right = all(n == e or (is_wide and n == m) for n, e, m in zip(numbers, expected, marks, strict=True))
    return signature == b"PK\x05\x06" and are_right and len(end) == _END.size + comment_length
