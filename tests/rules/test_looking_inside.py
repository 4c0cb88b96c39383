"""What archives contain: real ones, damaged ones, and some that claim too much."""

import bz2
import ensurepip
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.publishing import uploads
from webapp.rules import looking_inside
from webapp.rules.looking_inside import CannotLook, Entry, open_archive

BUNDLED = Path(ensurepip.__file__).parent / "_bundled"


def tar(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in members:
            archive.addfile(uploads.tar_member(path, size=len(content)), io.BytesIO(content))
    return packed.getvalue()


def test_real_wheel_lists_what_zipfile_does() -> None:
    wheel = next(iter(sorted(BUNDLED.glob("pip-*.whl"))), None)
    if wheel is None:
        pytest.skip("this Python brings no wheel along")
    with zipfile.ZipFile(wheel) as expected, wheel.open("rb") as file:
        archive = open_archive(wheel.name, file)

        assert [(entry.path, entry.size) for entry in archive.entries] == [
            (each.filename, each.file_size) for each in expected.infolist()
        ]
        assert archive.read("pip/__init__.py", 1000) == expected.read("pip/__init__.py")[:1000]
        assert not archive.is_cut


@pytest.mark.parametrize(
    ("filename", "pack"),
    [("a-1.tar.gz", gzip.compress), ("a-1.tgz", gzip.compress), ("a-1.tar.bz2", bz2.compress)],
)
def test_sdist_lists_its_files_and_yields_each(filename: str, pack: object) -> None:
    members = [("a-1/PKG-INFO", b"x" * 512), ("a-1/a.py", b"print()\n"), ("a-1/empty", b"")]
    archive = open_archive(filename, io.BytesIO(pack(tar(*members))))  # type: ignore[operator]

    assert archive.entries == [Entry(path, len(content), "file") for path, content in members]
    assert [archive.read(path, 1000) for path, _ in members] == [content for _, content in members]
    assert archive.read("a-1/none", 10) is None
    assert not archive.is_cut


def test_links_folders_and_devices_are_told_apart() -> None:
    members = [
        uploads.tar_member("a-1/folder", type=tarfile.DIRTYPE),
        uploads.tar_member("a-1/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        uploads.tar_member("a-1/device", type=tarfile.CHRTYPE),
    ]
    archive = open_archive("a-1.tar.gz", io.BytesIO(uploads.tar_of(*members)))

    assert archive.entries[2:] == [
        Entry("a-1/folder/", 0, "folder"),
        Entry("a-1/link", 0, "link", "/etc/passwd"),
        Entry("a-1/device", 0, "other"),
    ]
    assert archive.read("a-1/link", 10) is None


def test_of_two_files_of_one_name_the_one_that_installers_end_up_with_is_read() -> None:
    archive = open_archive("a-1.tar.gz", io.BytesIO(gzip.compress(tar(("a", b"harmless"), ("a", b"not")))))

    assert archive.read("a", 100) == b"not"


def test_name_that_is_no_utf_8_can_be_read_by_the_name_that_is_shown() -> None:
    archive = open_archive("a-1.tar.gz", io.BytesIO(gzip.compress(tar(("caf\udce9.py", b"1")))))

    assert archive.entries == [Entry("caf\ufffd.py", 1, "file")]
    assert archive.read("caf\ufffd.py", 10) == b"1"


@pytest.mark.parametrize("filename", ["a-1-py3-none-any.whl", "a-1.zip", "a-1.tar.gz", "a-1.tar.bz2"])
@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9"])
def test_what_is_no_archive_cannot_be_shown(filename: str, content: bytes) -> None:
    with pytest.raises(CannotLook, match="cannot be read"):
        open_archive(filename, io.BytesIO(content))


def test_other_kinds_of_files_cannot_be_shown() -> None:
    with pytest.raises(CannotLook, match="Only wheels"):
        open_archive("a-1.exe", io.BytesIO(b"MZ"))


def test_damaged_sdist_shows_what_there_is_and_says_so() -> None:
    whole = gzip.compress(tar(*((f"a-1/{number}", bytes(range(256)) * 40) for number in range(50))), mtime=0)
    archive = open_archive("a-1.tar.gz", io.BytesIO(whole[: len(whole) // 2]))

    assert 0 < len(archive.entries) < 50
    assert archive.is_cut


@pytest.mark.parametrize("limit", ["MAX_UNPACKED_BYTES", "MAX_CPU_S", "MAX_ENTRIES"])
def test_sdist_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    content = gzip.compress(tar(("a", b""), ("b", bytes(3_000_000)), ("c", b"")))
    monkeypatch.setattr(looking_inside, limit, {"MAX_UNPACKED_BYTES": 1_000_000, "MAX_CPU_S": 0.0}.get(limit, 1))

    archive = open_archive("a-1.tar.gz", io.BytesIO(content))

    assert [entry.path for entry in archive.entries] == {"MAX_UNPACKED_BYTES": ["a", "b"]}.get(
        limit, ["a"] if limit == "MAX_ENTRIES" else []
    )
    assert archive.is_cut


def test_name_of_gigabytes_is_not_read() -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 4_000_000_000
    content = gzip.compress(tar(("a", b"")).rstrip(b"\0").ljust(512, b"\0") + header.tobuf() + bytes(1_000_000))

    archive = open_archive("a-1.tar.gz", io.BytesIO(content))

    assert [entry.path for entry in archive.entries] == ["a"]
    assert archive.is_cut


def test_directory_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_inside, "MAX_DIRECTORY_BYTES", 70_000)
    content = uploads.zipped({f"{number}{'x' * 250}": "" for number in range(300)})

    with pytest.raises(CannotLook, match="list of contents is too long"):
        open_archive("a-1-py3-none-any.whl", io.BytesIO(content))


def test_only_the_start_of_a_file_that_unpacks_to_much_is_unpacked() -> None:
    content = uploads.zipped({"zeros": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    archive = open_archive("a-1-py3-none-any.whl", io.BytesIO(content))

    assert archive.read("zeros", 10) == bytes(10)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_installers_lack_are_not_unpacked(method: int) -> None:
    archive = open_archive("a-1-py3-none-any.whl", io.BytesIO(uploads.zipped({"a": "b"}, method)))

    with pytest.raises(CannotLook, match="compressed in a way"):
        archive.read("a", 10)
