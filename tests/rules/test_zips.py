"""Zip files that two readers could read differently are refused; each of these is small and harmless."""

import io
import os
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.publishing import uploads
from tests.publishing.uploads import wheel, wheel_name, zipped
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine

LISTED, BEFORE_BYTES, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


def refusal(content: bytes) -> str:
    """Why a wheel with these bytes is refused."""
    with pytest.raises(BadDistribution) as refused:
        examine(wheel_name(), io.BytesIO(content), len(content))
    return str(refused.value)


def is_taken(content: bytes) -> bool:
    return examine(wheel_name(), io.BytesIO(content), len(content)).version == "1.0"


class Parts(NamedTuple):
    """A zip: its entries, its list of contents, its end."""

    entries: bytes
    listed: bytes
    end: bytes


def parts_of(content: bytes) -> Parts:
    end = content.rindex(END)
    start = struct.unpack_from("<L", content, end + 16)[0]
    return Parts(content[:start], content[start:end], content[end:])


def joined(entries: bytes, listed: bytes, end: bytes, *, count: int | None = None) -> bytes:
    """A zip of these parts, whose end says where the list is and how long."""
    changed = bytearray(end)
    struct.pack_into("<LL", changed, 12, len(listed), len(entries))
    if count is not None:
        struct.pack_into("<HH", changed, 8, count, count)
    return entries + listed + bytes(changed)


def an_entry(name: str, content: bytes) -> bytes:
    """An entry as it stands before the list."""
    return parts_of(zipped({name: content})).entries


def with_hidden_entry() -> bytes:
    """A wheel with one more entry, which whoever streams the file meets, and which the list does not name."""
    entries, listed, end = parts_of(wheel())
    return joined(entries + an_entry("hidden.py", b"print('hidden')"), listed, end)


def with_bytes_before() -> bytes:
    return b"#!/bin/sh\n" + wheel()


def with_bytes_before_that_the_list_counts() -> bytes:
    """The same with right offsets, as a self-extracting archive has them."""
    before = b"#!/bin/sh\n"
    entries, listed, end = parts_of(wheel())
    moved = bytearray(listed)
    place = moved.find(LISTED)
    while place >= 0:
        offset = struct.unpack_from("<L", moved, place + 42)[0]
        struct.pack_into("<L", moved, place + 42, offset + len(before))
        place = moved.find(LISTED, place + 4)
    return joined(before + entries, bytes(moved), end)


def with_a_gap() -> bytes:
    entries, listed, end = parts_of(wheel())
    return joined(entries + b"\0" * 10, listed, end)


def two_in_one() -> bytes:
    """Two whole wheels, one behind the other: pip would open the second, a streaming reader the first."""
    return wheel() + wheel(extra={"second.py": ""})


def with_another_end_in_its_comment() -> bytes:
    entries, listed, end = parts_of(wheel())
    comment = END + b"\0" * 18
    return entries + listed + end[:20] + struct.pack("<H", len(comment)) + comment


def with_wrong_count() -> bytes:
    entries, listed, end = parts_of(wheel())
    return joined(entries, listed, end, count=1)


def with_bytes_after() -> bytes:
    return wheel() + b"\n"


def with_bytes_after_the_list() -> bytes:
    entries, listed, end = parts_of(wheel())
    return entries + listed + b"\0" * 8 + end


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "an entry that the list does not name": (with_hidden_entry, "entries, that its list of contents does not mention"),
    "bytes before": (with_bytes_before, "bytes before or between"),
    "bytes before that the list counts": (with_bytes_before_that_the_list_counts, "bytes before or between"),
    "a gap": (with_a_gap, "bytes, or entries, that its list"),
    "two zips in one": (two_in_one, "bytes before or between"),
    "another end in its comment": (with_another_end_in_its_comment, "bytes, or entries, that its list"),
    "a wrong count": (with_wrong_count, "goes on after its list"),
    "bytes after": (with_bytes_after, "goes on after its list"),
    "bytes after the list": (with_bytes_after_the_list, "cannot be opened"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_zip_that_two_readers_could_read_differently_is_refused(kind: str) -> None:
    make, reason = REFUSED[kind]

    assert reason in refusal(make())


FIELDS = {"flags": (6, 8), "method": (8, 10), "crc": (14, 16), "packed size": (18, 20), "size": (22, 24)}


@pytest.mark.parametrize("field", FIELDS)
def test_zip_that_says_two_things_about_an_entry_is_refused(field: str) -> None:
    content = bytearray(wheel(compression=zipfile.ZIP_DEFLATED))
    before_bytes = FIELDS[field][0]
    value = 0x800 if field == "flags" else struct.unpack_from("<H", content, before_bytes)[0] ^ 8
    struct.pack_into("<H", content, before_bytes, value)

    assert "says one thing about an entry" in refusal(bytes(content))


def extra_field(key: int, data: bytes) -> bytes:
    return struct.pack("<HH", key, len(data)) + data


def with_extra(extra: bytes) -> bytes:
    """A wheel with extra fields on one more module."""
    contents = uploads.wheel_contents(extra={"more.py": "x = 1"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in contents.items():
            info = zipfile.ZipInfo(path)
            info.extra = extra if path == "more.py" else b""
            archive.writestr(info, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "extra",
    [
        extra_field(0x7075, b"\x01" + b"\0" * 4 + b"evil.py"),
        extra_field(0x0001, b"\0" * 16) * 2,
    ],
    ids=["another name", "two pairs of sizes"],
)
def test_entry_with_another_name_or_size_in_its_extra_fields_is_refused(extra: bytes) -> None:
    assert "two names or sizes" in refusal(with_extra(extra))


def test_sizes_in_an_extra_field_must_be_right() -> None:
    assert "says one thing about an entry" in refusal(with_extra(extra_field(0x0001, struct.pack("<QQ", 5, 6))))
    assert is_taken(with_extra(extra_field(0x0001, struct.pack("<QQ", 5, 5))))
    assert is_taken(with_extra(extra_field(0x5455, b"\x01" + b"\0" * 4)))  # a time, as Info-ZIP writes it


def streamed() -> bytes:
    """A wheel written by somebody who could not seek: the sizes follow the bytes of each entry."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in uploads.wheel_contents().items():
            archive.writestr(path, content)
    return bytes(pipe.data)


def test_zip_whose_sizes_follow_the_bytes_is_taken_when_they_are_right() -> None:
    content = streamed()
    place = content.index(b"PK\x07\x08")
    wrong = content[: place + 4] + os.urandom(4) + content[place + 8 :]

    assert is_taken(content)
    assert "bytes before or between" in refusal(wrong)


def test_zip_in_the_form_for_large_files_is_taken() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in uploads.wheel_contents().items():
            with archive.open(zipfile.ZipInfo(path), "w", force_zip64=True) as entry:
                entry.write(content.encode() if isinstance(content, str) else content)
    entries, listed, end = parts_of(packed.getvalue())
    count = struct.unpack_from("<H", end, 8)[0]
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), len(entries))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(entries) + len(listed), 1)

    assert is_taken(packed.getvalue())
    assert is_taken(entries + listed + wide + locator + end)
    refused = refusal(entries + listed + wide.replace(b"\x2c", b"\x2d") + locator + end)
    # Python 3.13.5 refuses it itself.
    assert "goes on after" in refused or "cannot be opened" in refused


NAMES = {
    "one name": ("more.py", "more.py"),
    "names that differ in case": ("more.py", "MORE.py"),
    "names that differ in case beyond ASCII": ("stra\u00dfe.py", "STRASSE.py"),
    "composed and decomposed letters": ("caf\u00e9.py", unicodedata.normalize("NFD", "caf\u00e9.py")),
    "a needless dot": ("a/b.py", "a/./b.py"),
    "a dot at the end": ("more.py", "more.py."),
    "a space at the end": ("a/b.py", "a /b.py"),
    "two slashes": ("a/b.py", "a//b.py"),
    "slash and backslash": ("a/b.py", "a\\b.py"),
    "a file and a folder": ("a", "a/b.py"),
    "a file and an empty folder": ("a", "A/"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("kind", NAMES)
def test_names_that_can_be_one_file_are_refused(kind: str) -> None:
    contents = [*uploads.wheel_contents().items(), *((name, "") for name in NAMES[kind])]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in contents:
            archive.writestr(zipfile.ZipInfo(path), content)

    assert "same name" in refusal(packed.getvalue())


def test_names_of_different_files_are_taken() -> None:
    names = ("a.py", "a/b.py", "a/c/d.py", "a-b.py", "ab.py", "a b.py", "\u00fcber.py", "a.py.txt", "a/b/")

    assert is_taken(wheel(extra={name: "" for name in names if not name.endswith("/")} | {"d/": ""}))


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85"])
def test_name_with_a_control_character_is_refused(character: str) -> None:
    content = wheel(extra={"odd\u0101.py": ""}).replace("\u0101".encode(), character.encode().ljust(2, b"_"))

    assert "control characters" in refusal(content)


def test_symbolic_link_is_refused() -> None:
    link = zipfile.ZipInfo("link.py")
    link.external_attr = 0o120777 << 16
    packed = io.BytesIO(wheel())
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(link, "larder_probe.py")

    assert "a symbolic link, which not every installer creates: 'link.py'" in refusal(packed.getvalue())


def test_folder_with_contents_is_refused() -> None:
    assert "a folder with contents" in refusal(wheel(extra={"folder/": "x"}))
