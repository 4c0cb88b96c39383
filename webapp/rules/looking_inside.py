"""List what an archive contains, and read single files of it, within limits.

Anybody may have made the archive, and one from another index was never checked. So its own claims count for nothing:
what is read is limited in bytes and in time. A zip file is read at its end and where its entries are; a tar file from
its start to its end. Nothing is written to the disk.
"""

import bz2
import gzip
import tarfile
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO, NamedTuple, Protocol

from webapp.rules.archives import DAMAGED

ZIPS, GZIPS, BZIPS = (".whl", ".zip"), (".tar.gz", ".tgz"), (".tar.bz2",)
# The longest directory of a zip file, which `zipfile` reads at once, and the longest name in a tar file. The directory
# of a wheel with 20,000 entries has 3 MB; one of 4 MB is read in 0.5 s at worst, and takes 40 MB of memory.
MAX_DIRECTORY_BYTES = 4_000_000
# How much of a tar file is unpacked, and in which processor time of the thread: what a page shows must not depend on
# how busy the machine is. bzip2 takes ten times as long as gzip.
MAX_UNPACKED_BYTES = 300_000_000
MAX_CPU_S = 3.0
MAX_ENTRIES = 50_000
PART_BYTES = 256 * 1024

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"


class CannotLook(ValueError):
    """The archive cannot be shown. The message says why, in a sentence."""


class Entry(NamedTuple):
    """An entry of an archive."""

    path: str
    size: int
    kind: str  # FILE, FOLDER, LINK or OTHER
    target: str = ""  # of a LINK


class _TooMuch(Exception):
    """A limit was reached."""


class Archive(ABC):
    """An open archive: its entries in order, and whether they are all of them."""

    entries: list[Entry]
    is_cut = False

    @abstractmethod
    def read(self, path: str, most: int) -> bytes | None:
        """Return the first bytes of a file, or None if there is no file with this name. Raises CannotLook."""


def open_archive(filename: str, file: IO[bytes]) -> Archive:
    """Return the archive with this file name. Raises CannotLook."""
    name = filename.lower()
    try:
        if name.endswith(ZIPS):
            return _Zip(file)
        if name.endswith((*GZIPS, *BZIPS)):
            return _Tar(file, is_bzip=name.endswith(BZIPS))
    except _TooMuch:
        raise CannotLook("Its list of contents is too long to be shown here.") from None
    except DAMAGED as error:
        raise CannotLook(f"The archive cannot be read: {type(error).__name__}.") from None
    raise CannotLook("Only wheels (.whl) and source distributions (.tar.gz, .tar.bz2, .zip) can be shown.")


class _Zip(Archive):
    """A zip file. Only its directory is read, and the entry asked for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(_Bounded(file))
        self.entries = [
            Entry(_readable(each.filename), each.file_size, FOLDER if each.is_dir() else FILE)
            for each in self._archive.infolist()
        ]

    def read(self, path: str, most: int) -> bytes | None:
        """Return the first bytes of a file, or None if there is no file of this name. Raises CannotLook."""
        # Of two entries of one name, installers end up with the last.
        found = [each for each in self._archive.infolist() if _readable(each.filename) == path and not each.is_dir()]
        if not found:
            return None
        if found[-1].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CannotLook("This file is compressed in a way that is not shown here.")
        try:
            with self._archive.open(found[-1]) as member:
                return member.read(most)
        except (*DAMAGED, _TooMuch) as error:
            raise CannotLook(f"This file cannot be unpacked: {type(error).__name__}.") from None


class _Tar(Archive):
    """A compressed tar file, unpacked from its start each time."""

    def __init__(self, file: IO[bytes], *, is_bzip: bool) -> None:
        self._file, self._is_bzip = file, is_bzip
        self.entries = [_entry(member) for member, _ in self._members()]

    def read(self, path: str, most: int) -> bytes | None:
        """Return the first bytes of a file, or None if there is no file of this name. Raises CannotLook."""
        found = None
        try:
            for member, archive in self._members():
                # Of two entries of one name, installers end up with the last.
                if member.isreg() and _readable(member.name) == path and (reader := archive.extractfile(member)):
                    found = reader.read(most)
        except DAMAGED as error:
            raise CannotLook(f"This file cannot be unpacked: {type(error).__name__}.") from None
        return found

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
        self._file.seek(0)
        unpacked = bz2.BZ2File(self._file) if self._is_bzip else gzip.GzipFile(fileobj=self._file, mode="rb")
        number = 0
        try:
            with unpacked, tarfile.open(fileobj=_Forward(unpacked), mode="r:") as archive:  # type: ignore[call-overload]
                while member := archive.next():
                    archive.members = []  # which would keep all of them
                    yield member, archive
                    number += 1
                    if number == MAX_ENTRIES:
                        raise _TooMuch
        except _TooMuch:
            self.is_cut = True
        except DAMAGED:
            # What was read until then is there all the same; installers would unpack it, too.
            if not number:
                raise
            self.is_cut = True


class _Bounded:
    """A zip file that returns a little at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read this many bytes, or the rest. Raises _TooMuch if that is too many."""
        data = _read_all(self._file, min(size, MAX_DIRECTORY_BYTES + 1) if size >= 0 else MAX_DIRECTORY_BYTES + 1)
        if len(data) > MAX_DIRECTORY_BYTES:
            raise _TooMuch
        return data


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Forward:
    """An unpacked tar file that only goes forward, until a limit is reached: then it raises _TooMuch."""

    def __init__(self, file: "_Readable") -> None:
        self._file = file
        self._position = 0
        self._end_at = time.thread_time() + MAX_CPU_S

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, position: int) -> None:
        """Unpack up to this position."""
        while self._position < position:
            if not self._part(min(PART_BYTES, position - self._position)):
                return

    def read(self, size: int) -> bytes:
        """Read this many bytes."""
        if not 0 <= size <= MAX_DIRECTORY_BYTES:
            raise _TooMuch
        data = bytearray()
        while len(data) < size and (part := self._part(min(PART_BYTES, size - len(data)))):
            data += part
        return bytes(data)

    def _part(self, size: int) -> bytes:
        if self._position > MAX_UNPACKED_BYTES or time.thread_time() > self._end_at:
            raise _TooMuch
        part = self._file.read(size)
        self._position += len(part)
        return part


def _read_all(file: IO[bytes], size: int) -> bytes:
    """Read this many bytes from a file that returns less at a time, unless it ends before."""
    data = bytearray()
    while len(data) < size and (part := file.read(size - len(data))):
        data += part
    return bytes(data)


def _entry(member: tarfile.TarInfo) -> Entry:
    path = _readable(member.name)
    if member.isdir():
        return Entry(f"{path}/", 0, FOLDER)
    if member.issym() or member.islnk():
        return Entry(path, 0, LINK, _readable(member.linkname))
    return Entry(path, member.size, FILE if member.isreg() else OTHER)


def _readable(path: str) -> str:
    """Return a name that pages and addresses can contain: bytes that are not UTF-8 are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
