"""Only the rows of some documents are read, and never too few of them."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mongomock
import pytest

from migrations_sql_to_mongo import narrowing
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.narrowing import keys_of, narrowed
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import Target

Make = Callable[..., str]


@pytest.fixture
def old_site(tmp_path: Path) -> str:
    """A source with three packages and their releases."""
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE users (id INTEGER, name TEXT)")
        db.executemany("INSERT INTO users VALUES (?, ?)", [(1, "Ada"), (2, "Grace"), (3, "Edsger")])
        db.execute("CREATE TABLE packages (id TEXT, summary TEXT)")
        db.executemany("INSERT INTO packages VALUES (?, ?)", [("jam", "a"), ("jelly", "b"), ("rice", "c")])
        db.execute("CREATE TABLE releases (id INTEGER, package_id TEXT)")
        db.executemany("INSERT INTO releases VALUES (?, ?)", [(1, "jam"), (2, "jam"), (3, "rice")])
    db.close()
    return f"sqlite:///{path}"


def target(**collections: list[dict[str, Any]]) -> Target:
    client: Any = mongomock.MongoClient()
    for name, documents in collections.items():
        client["site"][name].insert_many(documents)
    return Target(client, "site", "mongomock", None)


def counts(source: Source) -> dict[str, int]:
    return {table: source.count(table) for table in source.tables}


def test_rows_of_packages_bring_their_releases(old_site: str) -> None:
    with Source(old_site, Layout()) as source:
        some = narrowed(source, {"packages": ["jam", "jelly"], "users": [2]})

        assert counts(some) == {"users": 1, "packages": 2, "releases": 2}
        assert counts(source) == {"users": 3, "packages": 3, "releases": 3}


def test_key_that_is_not_found_lets_the_whole_table_be_read(old_site: str) -> None:
    with Source(old_site, Layout()) as source:
        some = narrowed(source, {"packages": ["jam", "gone"], "users": []})

        assert counts(some) == {"users": 0, "packages": 3, "releases": 3}


def test_table_that_the_source_lacks_is_passed_over(old_site: str) -> None:
    with Source(old_site, Layout()) as source:
        assert counts(narrowed(source, {"downloads": [1]})) == {"users": 3, "packages": 3, "releases": 3}


def test_keys_are_those_of_the_source_or_the_ids_of_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = target(
        users=[{"_id": "a", "legacy": {"sql_id": 7}}, {"_id": "b", "legacy": {"sql_id": "x"}}],
        downloads=[{"_id": "00000000000000000000000" + "9"}],
        packages=[{"_id": str(number), "legacy": {"sql_id": str(number)}} for number in range(3)],
        licenses=[{"_id": 1}],
    )
    names = {"users": "users", "downloads": "downloads", "packages": "packages", "licenses": "licenses"}
    monkeypatch.setattr(narrowing, "MOST_KEYS", 2)

    assert keys_of(found, names) == {"users": [7, "x"], "downloads": [9]}
