"""Sdists of twenty years: one folder, with or without PKG-INFO, in four kinds of archive."""

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping

import pytest

from tests.publishing.uploads import metadata, sdist, sdist_name, zipped
from webapp.rules.archives import BadDistribution
from webapp.rules.distributions import Distribution, examine

Files = Mapping[str, "str | bytes"]


def tar(files: Files) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def read(filename: str, content: bytes) -> Distribution:
    return examine(filename, io.BytesIO(content), len(content))


def refusal(content: bytes, filename: str = sdist_name()) -> str:
    with pytest.raises(BadDistribution) as refused:
        read(filename, content)
    return str(refused.value)


FILES = {"larder_probe-1.0/PKG-INFO": metadata(), "larder_probe-1.0/setup.py": ""}


def test_every_kind_of_archive_that_pypi_took_is_an_sdist() -> None:
    archives = {
        "larder_probe-1.0.tar.gz": gzip.compress(tar(FILES)),
        "larder_probe-1.0.tgz": gzip.compress(tar(FILES)),
        "larder_probe-1.0.tar.bz2": bz2.compress(tar(FILES)),
        "larder_probe-1.0.zip": zipped(FILES),
    }

    found = [read(filename, content) for filename, content in archives.items()]

    assert {(each.packagetype, each.normalized_name, each.version) for each in found} == {
        ("sdist", "larder-probe", "1.0")
    }
    # A .tgz is a .tar.gz, so one of them has the name.
    assert len({each.canonical_name for each in found}) == 3
    assert not any(each.warnings for each in found)


@pytest.mark.parametrize("pack", [lambda files: gzip.compress(tar(files)), zipped], ids=["tar", "zip"])
@pytest.mark.parametrize(
    ("files", "warning"),
    [
        ({"larder_probe-1.0/larder_probe.egg-info/PKG-INFO": metadata()}, "no PKG-INFO in its folder"),
        ({"larder_probe-1.0/src/larder_probe.egg-info/PKG-INFO": metadata()}, "no PKG-INFO in its folder"),
        ({"larder_probe-1.0/setup.py": ""}, "no PKG-INFO, so only its file name says what it is"),
        ({"larder_probe-1.0/docs/PKG-INFO": metadata("other"), "larder_probe-1.0/a": ""}, "no PKG-INFO, so only"),
        ({"setup.py": "", "PKG-INFO": metadata(), "src/a.py": ""}, "no folder at its top"),
        ({"trunk/PKG-INFO": metadata()}, "The sdist's folder is called 'trunk'"),
        ({"larder_probe-2.0/PKG-INFO": metadata()}, "The sdist's folder is called 'larder_probe-2.0'"),
        ({"larder_probe-1.0/PKG-INFO": metadata().encode() + b"Gr\xfc\xdfe"}, "read as Latin-1"),
    ],
)
def test_sdist_as_installers_take_it_is_taken_with_a_warning(
    files: Files, warning: str, pack: Callable[[Files], bytes]
) -> None:
    filename = "larder_probe-1.0.zip" if pack is zipped else sdist_name()

    found = read(filename, pack(files))

    assert (found.normalized_name, found.version) == ("larder-probe", "1.0")
    [said] = found.warnings
    assert warning in said


@pytest.mark.parametrize(
    "folder", ["larder_probe-1.0", "Larder.Probe-1.0", "larder-probe-1.0", "LARDER_PROBE-1.0.0", "larder__probe-v1.0"]
)
def test_folder_may_be_spelled_otherwise_than_the_file(folder: str) -> None:
    assert read(sdist_name(), gzip.compress(tar({f"{folder}/PKG-INFO": metadata()}))).warnings == ()


def test_best_place_for_metadata_decides() -> None:
    files = {
        "larder_probe-1.0/larder_probe.egg-info/PKG-INFO": metadata("other"),
        "larder_probe-1.0/PKG-INFO": metadata("larder-probe", "1.0", "Summary: right"),
        "larder_probe-1.0/a.egg-info/PKG-INFO": metadata("other"),
    }

    assert "Summary: right" in read(sdist_name(), gzip.compress(tar(files))).metadata


@pytest.mark.parametrize(
    ("filename", "name", "version", "expected"),
    [
        ("apsw-3.9.2-r1.tar.gz", "apsw", "3.9.2-r1", ("apsw", "3.9.2.post1")),
        ("z3c-form-1.0.tar.gz", "z3c.form", "1.0", ("z3c-form", "1.0")),
        ("a-1-2.tar.gz", "a", "1-2", ("a", "1.post2")),
        ("a-1-2.tar.gz", "a-1", "2", ("a-1", "2")),
        ("A.B-0.5-alpha.tar.gz", "A.B", "0.5-alpha", ("a-b", "0.5a0")),
    ],
)
def test_metadata_part_name_and_version_of_a_file_name(
    filename: str, name: str, version: str, expected: tuple[str, str]
) -> None:
    folder = filename.removesuffix(".tar.gz")

    found = read(filename, gzip.compress(tar({f"{folder}/PKG-INFO": metadata(name, version)})))

    assert (found.normalized_name, found.version) == expected
    assert found.warnings == ()


def test_version_of_the_file_name_is_that_of_the_metadata() -> None:
    # pip and uv refuse these when they come from an index, for instance oauthlib-1.1.0-1.tar.gz.
    content = gzip.compress(tar({"a-1.1.0-1/PKG-INFO": metadata("a", "1.1.0")}))

    assert refusal(content, "a-1.1.0-1.tar.gz") == "The metadata is for another version: '1.1.0'"


@pytest.mark.parametrize("filename", ["a-1.0dev-r5.tar.gz", "a-2005k.tar.gz", "a-.tar.gz", "-1.0.tar.gz", "a.tar.gz"])
def test_version_that_no_installer_knows_is_refused(filename: str) -> None:
    assert "A file name" in refusal(sdist(), filename) or "The name of an sdist is" in refusal(sdist(), filename)


def test_entries_beside_the_folder_are_refused() -> None:
    assert "one folder at its top; this one has 2" in refusal(gzip.compress(tar(FILES | {"other/a": ""})))
    assert "one folder at its top" in refusal(gzip.compress(tar({"PKG-INFO": metadata()})))


def test_several_archives_in_one_are_refused() -> None:
    whole = gzip.compress(tar(FILES))
    other = gzip.compress(tar({"larder_probe-1.0/second.py": ""}))

    assert "several gzip files in one" in refusal(gzip.compress(tar(FILES)[:1024]) + gzip.compress(tar(FILES)[1024:]))
    assert "several tar files in one" in refusal(whole + other)
    assert "several tar files in one" in refusal(gzip.compress(tar(FILES) + tar(FILES)))
    assert read(sdist_name(), whole + b"\0" * 100).warnings == ()


def test_entry_with_two_sizes_is_refused() -> None:
    member = tarfile.TarInfo("larder_probe-1.0/a")
    member.size = 10
    member.pax_headers = {"size": "20"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b"\0" * 10))

    assert "two sizes: 'larder_probe-1.0/a'" in refusal(gzip.compress(packed.getvalue()))


def test_very_many_long_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.rules.sdists.MAX_READ_BYTES", 1000)
    files = {f"larder_probe-1.0/{'x' * 90}{number}": "" for number in range(20)}

    assert "too long names" in refusal(gzip.compress(tar(files)))
