"""What a file says of itself, and whether it is sound."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from tests.publishing import uploads
from tests.publishing.uploads import metadata, sdist, sdist_name, tar_member, tar_of, wheel, wheel_name, zipped
from webapp.rules import distributions
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import examine, version_in


def canonical(filename: str) -> str:
    name = distributions._parse_filename(filename)
    return name.canonical(*name.meanings[0])


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("a-1.0-py2.py3-none-any.whl", "a-1-py3.py2-none-any.whl"),
        ("a-1.0-1-py3-none-any.whl", "a-1.0-01-py3-none-any.whl"),
        ("a-1.0-cp311-cp311-linux_x86_64.whl", "a-1.0-CP311-cp311-Linux_x86_64.whl"),
        ("a_b-1.0rc1.tar.gz", "A.b-1.0.0RC.1.tar.gz"),
    ],
)
def test_spellings_of_one_file_name_have_one_canonical_name(one: str, same: str) -> None:
    assert canonical(one) == canonical(same)


def test_names_of_different_files_have_different_canonical_names() -> None:
    names = [
        *("a-1.0-py3-none-any.whl", "a-1.0-py2-none-any.whl", "a-1.0-py2.py3-none-any.whl", "a-1.1-py3-none-any.whl"),
        *(
            "a-1.0-1-py3-none-any.whl",
            "a-1.0-1a-py3-none-any.whl",
            "a-1.0-cp311-abi3-any.whl",
            "b-1.0-py3-none-any.whl",
        ),
        *("a-1.0.tar.gz", "a-1.0.zip", "a-1.0.post1.tar.gz", "a-1!1.0.tar.gz", "a-1.0+local.tar.gz"),
    ]

    assert len({canonical(name) for name in names}) == len(names)


INFO = "larder_probe-1.0.dist-info"


def patched(content: bytes, before: bytes, after: bytes) -> bytes:
    assert before in content
    return content.replace(before, after)


def encrypted() -> bytes:
    """A wheel whose entries say that they are encrypted."""
    content = bytearray(wheel())
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(sign)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(sign, place + 4)
    return bytes(content)


def longer() -> bytes:
    """A wheel with a module that claims to be a byte longer than it is, in both places."""
    content = bytearray(wheel(extra={"more.py": "x = 1"}))
    before_bytes = content.rfind(b"PK\x03\x04", 0, content.find(b"more.py"))
    listed = content.rfind(b"PK\x01\x02", 0, content.rfind(b"more.py"))
    struct.pack_into("<L", content, before_bytes + 22, 6)
    struct.pack_into("<L", content, listed + 24, 6)
    return bytes(content)


def renamed(before: str, after: str) -> bytes:
    """A wheel that calls an entry otherwise in its list of contents than before the bytes."""
    content = wheel()
    return content.replace(before.encode(), after.encode(), 1)


def overlapping() -> bytes:
    """A wheel whose list of contents puts two entries in one place."""
    content = bytearray(wheel())
    second = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4)
    struct.pack_into("<L", content, second + 42, 0)
    return bytes(content)


def newer(*lines: str) -> str:
    return metadata("larder-probe", "1.0", *lines).replace("Metadata-Version: 2.1", "Metadata-Version: 2.4")


def without(name: str) -> bytes:
    contents = uploads.wheel_contents()
    del contents[f"{INFO}/{name}"]
    return zipped(contents)


def bomb() -> bytes:
    """A wheel of 70 kB that unpacks to 70 MB."""
    return wheel(extra={"zeros": b"\0" * 70_000_000}, compression=zipfile.ZIP_DEFLATED)


def metadata_bomb() -> bytes:
    """A wheel whose METADATA unpack to 20 MB."""
    return wheel(text=metadata(description="x" * 20_000_000), compression=zipfile.ZIP_DEFLATED)


def long_name_in_a_tar() -> bytes:
    """An sdist with a GNU long name of 20 MB."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 20_000_000
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"a" * 20_000_000, 1)


def long_list_of_a_zip() -> bytes:
    """A zip whose list of contents is said to have 30 MB."""
    content = bytearray(wheel() + b"\0" * 30_000_000)
    end = content.rfind(b"PK\x05\x06")
    record = content[end : end + 22]
    struct.pack_into("<LL", record, 12, 30_000_000, end)
    return bytes(content[:end] + content[end + 22 :] + record)


WHEELS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "cannot be opened"),
    "no zip": (lambda: b"PK\x03\x04" + os.urandom(1000), "cannot be opened"),
    "truncated": (lambda: wheel()[:-30], "cannot be opened"),
    "damaged": (lambda: patched(wheel(), b"Metadata-Version: 2.1", b"Metadata-Version: 9.1"), "Bad CRC-32"),
    "a damaged module": (lambda: patched(wheel(), b'VERSION = "1.0"', b'VERSION = "9.0"'), "file 'larder_probe.py'"),
    "a damaged module in its second half": (
        lambda: patched(wheel(extra={"a.py": b"x" * 3_000_000 + b"good"}), b"xgood", b"xevil"),
        "Bad CRC-32",
    ),
    "another name before the bytes": (lambda: renamed("larder_probe.py", "larder_evil_.py"), "says one thing"),
    "shorter than it says": (longer, "another length than it states: 'more.py'"),
    "entries that overlap": (overlapping, "entries that overlap"),
    "an sdist": (sdist, "cannot be opened"),
    "encrypted": (encrypted, "is encrypted"),
    "bomb": (bomb, "unpacks to more than 50 times its size"),
    "bomb of metadata": (metadata_bomb, "more than 1,000,000 bytes"),
    "long list": (long_list_of_a_zip, "is too long"),
    "lzma": (lambda: wheel(compression=zipfile.ZIP_LZMA), "a compression that installers do not support"),
    "no metadata": (lambda: without("METADATA"), "The archive has no larder_probe-1.0.dist-info/METADATA."),
    "no WHEEL": (lambda: without("WHEEL"), "The archive has no larder_probe-1.0.dist-info/WHEEL."),
    "no RECORD": (lambda: without("RECORD"), "The archive has no larder_probe-1.0.dist-info/RECORD."),
    "another's data": (lambda: wheel(extra={"b-1.data/purelib/b.py": ""}), "a .data folder of another project"),
    "backslash within": (lambda: wheel(extra={"a\\b.py": ""}), "a name with a backslash"),
    "two folders": (lambda: wheel(extra={"b-1.dist-info/METADATA": ""}), "has one .dist-info folder"),
    "another folder": (lambda: wheel(folder="other-1.0.dist-info"), "does not match its file name"),
    "up": (lambda: wheel(extra={"../evil.py": ""}), "outside of its own folder"),
    "up in the middle": (lambda: wheel(extra={"a/../../evil.py": ""}), "outside of its own folder"),
    "absolute": (lambda: wheel(extra={"/etc/evil": ""}), "outside of its own folder"),
    "backslash": (lambda: patched(wheel(extra={"x..x..evil.py": ""}), b"x..x..evil", b"x\\..\\.evil"), "outside of"),
    "of another project": (lambda: wheel(text=metadata("requests")), "for another project: 'requests'"),
    "of another version": (lambda: wheel(text=metadata(version="2.0")), "for another version: '2.0'"),
    "latin-1": (lambda: wheel(text="Metadata-Version: 2.1\nName: \u00fc".encode("latin-1")), "not in UTF-8"),
    "no metadata version": (lambda: wheel(text="Name: larder-probe\nVersion: 1.0\n"), "is not valid"),
    "two names": (lambda: wheel(text=metadata("larder-probe", "1.0", "Name: other")), "is not valid"),
    "bad requirement": (lambda: wheel(text=metadata("larder-probe", "1.0", "Requires-Dist: a b")), "requires-dist"),
    "1 MB of classifiers": (
        lambda: wheel(text=newer(*[f"Classifier: Topic :: {n:05}" for n in range(35_000)])),
        "At most 200 classifiers",
    ),
    "a long classifier": (
        lambda: wheel(text=newer(f"Classifier: {'x' * 900_000}")),
        "At most 200 classifiers of 200 characters",
    ),
    "a long summary": (lambda: wheel(text=newer(f"Summary: {'x' * 2000}")), "The summary"),
    "many keywords": (
        lambda: wheel(text=newer(f"Keywords: {','.join(map(str, range(1000)))}")),
        "keywords",
    ),
}  # fmt: skip
SDISTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "cannot be opened"),
    "no gzip": (lambda: b"\x1f\x8b" + os.urandom(1000), "cannot be opened"),
    "a tar without gzip": (lambda: gzip.decompress(sdist()), "cannot be opened"),
    "truncated": (lambda: sdist()[:-20], "cannot be opened"),
    "wrong sum": (lambda: sdist()[:-8] + b"\0" * 8, "CRC check failed"),
    "bomb": (lambda: tar_of(tar_member("larder_probe-1.0/zeros", size=70_000_000)), "unpacks to more than 50 times"),
    "long name": (long_name_in_a_tar, "is too long"),
    "up": (lambda: tar_of(tar_member("../evil.py")), "outside of its own folder"),
    "absolute": (lambda: tar_of(tar_member("/etc/evil")), "outside of its own folder"),
    "link out": (
        lambda: tar_of(tar_member("larder_probe-1.0/a", type=tarfile.SYMTYPE, linkname="../../etc/passwd")),
        "installers refuse",
    ),
    "absolute link": (
        lambda: tar_of(tar_member("larder_probe-1.0/a", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "installers refuse",
    ),
    "hard link out": (
        lambda: tar_of(tar_member("larder_probe-1.0/a", type=tarfile.LNKTYPE, linkname="../../etc/passwd")),
        "installers refuse",
    ),
    "device": (lambda: tar_of(tar_member("larder_probe-1.0/a", type=tarfile.CHRTYPE)), "installers refuse"),
    "two folders": (lambda: tar_of(tar_member("other/a")), "one folder at its top"),
    "of another project": (lambda: sdist(text=metadata("requests")), "for another project"),
    "metadata too long": (lambda: sdist(text=metadata(description="x" * 1_000_001)), "more than 1,000,000 bytes"),
}


@pytest.mark.parametrize("kind", WHEELS)
def test_wheel_that_is_not_sound_is_refused(kind: str) -> None:
    content, reason = WHEELS[kind][0](), WHEELS[kind][1]

    with pytest.raises(BadDistribution, match=r".") as refused:
        examine(wheel_name(), io.BytesIO(content), len(content))

    assert reason in str(refused.value)
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("kind", SDISTS)
def test_sdist_that_is_not_sound_is_refused(kind: str) -> None:
    content, reason = SDISTS[kind][0](), SDISTS[kind][1]

    with pytest.raises(BadDistribution, match=r".") as refused:
        examine(sdist_name(), io.BytesIO(content), len(content))

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".whl",
        "larder_probe-1.0-py3-none-any.exe",
        "larder_probe-1.0.tar.bz2",
        "larder_probe-1.0.egg",
        "larder_probe-x-py3-none-any.whl",
        "larder_probe-1.0-py3-none.whl",
        "larder probe-1.0.tar.gz",
        "../larder_probe-1.0.tar.gz",
        "larder_probe-1.0-py3-none-any.whl.metadata",
        "larder_probe-1.0\n.tar.gz",
        "l\u00e4rder-1.0.tar.gz",
        "a" * 300 + "-1.0.tar.gz",
        "a-1-" + "-".join([".".join("abcdefghij")] * 3) + ".whl",
    ],
)
def test_name_that_is_none_is_refused(filename: str) -> None:
    content = wheel()

    with pytest.raises(BadDistribution):
        examine(filename, io.BytesIO(content), len(content))


def test_zip_is_an_sdist_too() -> None:
    content = zipped({"larder_probe-1.0/PKG-INFO": metadata(), "larder_probe-1.0/setup.py": ""})

    found = examine("larder_probe-1.0.zip", io.BytesIO(content), len(content))

    assert (found.packagetype, found.version) == ("sdist", "1.0")


def test_zip_with_a_damaged_module_is_refused() -> None:
    content = zipped({"larder_probe-1.0/PKG-INFO": metadata(), "larder_probe-1.0/setup.py": "good"})
    content = patched(content, b"good", b"evil")

    with pytest.raises(BadDistribution, match=r"Bad CRC-32"):
        examine("larder_probe-1.0.zip", io.BytesIO(content), len(content))


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("jam_jar-1.0-py3-none-any.whl", "1.0"),
        ("Jam.Jar-1.0-1-py3-none-any.whl", "1.0"),
        ("jam-jar-1.0.tar.gz", "1.0"),
        ("Jam_Jar-1.0rc1.zip", "1.0rc1"),
        ("jam-jar-1.0-1.tar.bz2", "1.0-1"),
        ("jam-1.0.tar.gz", ""),
        ("jam_jar.whl", ""),
        ("-", ""),
    ],
)
def test_version_is_found_in_the_name_of_a_file(filename: str, version: str) -> None:
    assert version_in(filename, "jam-jar") == version
