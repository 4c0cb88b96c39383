"""Databases that cannot be opened are told in one line."""

from pathlib import Path

import pytest

from tests.migrations_sql_to_mongo.conftest import Mover


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("sqlite:////nowhere/old.sqlite", "does not exist"),
        ("sqlite://", "names no SQLite file"),
        ("oracle://x/y", "must be SQLite"),
        ("nonsense", "cannot be read by SQLAlchemy"),
        ("postgresql://ada:secret@127.0.0.1:54x/old", "ada:***@127.0.0.1:54x/old is not a number"),
        ("", "name the old site's database"),
    ],
)
def test_wrong_source_is_one_line(target_uri: str, address: str, complaint: str) -> None:
    refused = Mover(address, target_uri)("run")

    assert refused.code == 2
    assert complaint in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "holds no tables"),
        ("CREATE TABLE shop (id)", "another site's database"),
        ("CREATE TABLE users (name)", "has no column id"),
        ("CREATE TABLE users (id); CREATE TABLE packages (id)", "hold no rows"),
    ],
)
def test_another_database_is_told_so(tmp_path: Path, target_uri: str, content: str, complaint: str) -> None:
    import sqlite3

    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.executescript(content + ";")
    db.close()
    (tmp_path / "other.sqlite").touch()

    refused = Mover(f"sqlite:///{tmp_path / 'other.sqlite'}", target_uri)("run")

    assert refused.code == 2
    assert complaint in refused.err


def test_file_that_is_no_database_is_told_so(tmp_path: Path, target_uri: str) -> None:
    (tmp_path / "text.sqlite").write_text("This is no database at all. " * 100)

    refused = Mover(f"sqlite:///{tmp_path / 'text.sqlite'}", target_uri)("plan")

    assert refused.code == 2
    assert "file is not a database" in refused.err
    assert refused.err.count("\n") == 1


def test_target_that_is_no_address_is_told_so(source: str) -> None:
    refused = Mover(source, "postgres://ada:secret@x/y")("plan")

    assert refused.code == 2
    assert "is not a MongoDB address" in refused.err
    assert "secret" not in refused.err
