"""What rows become: their names, dates, keys and numbers."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Make, Mover, moved, reasons, remarks
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    Rows,
    label,
    maintainer,
    package,
    release,
    url_of,
    user,
)


def test_two_ids_that_become_one_name_are_rejected(mover: Make, db: Db) -> None:
    _, tables, _ = moved(
        mover,
        {
            "packages": [
                package("Foo_Bar"),
                package("foo.bar"),
                package("Fine_Name"),
                package("no name!"),
                package(None),
            ],
            "releases": [release(1, "Foo_Bar"), release(2, "Fine_Name"), release(3, "no name!")],
            "maintainers": [maintainer(1, "foo.bar")],
        },
    )

    assert reasons(tables, "packages") == {
        "id becomes the same name as another's": 2,
        "id is not a valid project name": 1,
        "id is NULL": 1,
    }
    examples = {one["text"]: one["examples"] for one in tables["packages"]["reasons"]}
    assert examples["id is NULL"] == ["created_date 2010-04-16 14:30:00.000000"]
    assert reasons(tables, "releases") == {"its package is rejected": 2}
    assert reasons(tables, "maintainers") == {"its package is rejected": 1}
    assert [(one["_id"], one["name"]) for one in db.packages.find()] == [("fine-name", "Fine_Name")]


def test_null_version_parts_stay_null(mover: Make, db: Db) -> None:
    nothing: dict[str, Any] = {"major_ver": None, "minor_ver": None, "build_ver": None}
    moved(mover, {"releases": [release(1, **nothing, url=url_of("flask-2004b")), release(2, **nothing, url=None)]})

    releases = (db.packages.find_one({"_id": "flask"}) or {})["releases"]
    assert [one["version"] for one in releases] == ["2004b", "0.0.0"]
    assert releases[0]["legacy"] == {"sql_id": 1, **nothing}


@pytest.mark.parametrize(
    ("value", "expected", "remark"),
    [
        ("yesterday", None, "created_date is not a date"),
        (1_577_934_245, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "created_date is a number"),
        ("0000-00-00 00:00:00", None, "created_date is not a date"),
        ("12020-01-01 00:00:00", None, "created_date is not a date"),
        (
            "2020-01-02 03:04:05.123456",
            datetime(2020, 1, 2, 3, 4, 5, 123000, tzinfo=UTC),
            "created_date lost its microseconds",
        ),
        (Raw(b"\xff"), None, "created_date is not a date"),
    ],
)
def test_odd_dates_follow_the_declared_rule(
    mover: Make, db: Db, value: Any, expected: datetime | None, remark: str
) -> None:
    _, tables, done = moved(
        mover,
        {
            "packages": [package(created_date=value)],
            "releases": [release(1, created_date=value)],
            "users": [user(1, created_date=value)],
            "downloads": [],
            "maintainers": [],
            "auditing": [label("a", created_date=value)],
        },
    )

    assert done.code == 0
    flask = db.packages.find_one() or {}
    assert remarks(tables, "packages") == remarks(tables, "releases") == remarks(tables, "users") == {remark: 1}
    assert flask.get("created_date") == flask["releases"][0].get("created_date") == expected
    if expected is None:
        kept = {"hex": "ff"} if isinstance(value, Raw) else value
        assert flask["legacy"]["created_date"] == flask["releases"][0]["legacy"]["created_date"] == kept
        assert (db.auditing.find_one() or {})["legacy"] == {"created_date": kept}


def test_bad_dates_reject_where_the_map_says_so(mover: Make, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[dates]\n"releases.created_date" = "reject"\n')

    _, tables, _ = moved(
        mover, {"releases": [release(1), release(2, created_date="soon")]}, "--map", str(tmp_path / "map.toml")
    )

    assert reasons(tables, "releases") == {"created_date is not a date": 1}


def test_naive_times_are_of_the_declared_zone(mover: Make, db: Db) -> None:
    moved(mover, {}, "--timezone", "Europe/Berlin", "--timezone", "users.created_date=America/New_York")

    assert (db.packages.find_one({"_id": "flask"}) or {})["created_date"].hour == 12
    assert (db.users.find_one() or {})["created_date"] == datetime(2020, 1, 2, 8, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (2**64 * 1.0, "size does not fit into 64 bits"),
        ("12 MB", "size is not a whole number"),
        (1.5, "size is not a whole number"),
    ],
)
def test_impossible_sizes_are_rejected(mover: Make, size: Any, reason: str) -> None:
    _, tables, _ = moved(mover, {"releases": [release(1), release(2, size=size)]})

    assert reasons(tables, "releases") == {reason: 1}


def test_negative_sizes_are_kept_with_a_warning(mover: Make, db: Db) -> None:
    _, tables, done = moved(mover, {"releases": [release(1, size=-5)]})

    assert done.code == 0
    assert remarks(tables, "releases") == {"size is negative": 1}
    assert (db.packages.find_one({"_id": "flask"}) or {})["releases"][0]["size"] == -5


def test_ids_that_no_document_can_have_are_rejected(mover: Make, db: Db) -> None:
    _, tables, _ = moved(
        mover,
        {
            "users": [user(1), user(1), user(None), user("")],
            "licenses": [label("BSD"), label("BSD"), label(None), label(b"\xff")],
            "releases": [release(1), release(None)],
            "maintainers": [],
        },
    )

    assert reasons(tables, "users") == {
        "id occurs twice": 1,
        "id is NULL": 1,
        "id is empty": 1,
    }
    assert reasons(tables, "licenses") == {"id occurs twice": 1, "id is NULL": 1, "id is not UTF-8": 1}
    assert reasons(tables, "releases") == {"id is NULL": 1}


def test_keys_that_would_become_the_same_id_are_rejected(target_uri: str, db: Db, tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (id, name, email)")
        connection.executemany(
            "INSERT INTO users VALUES (?, ?, ?)",
            [
                (b"\x01", "bytes", None),
                ("01", "the text of these bytes", None),
                (1.5, "a number", "Ada@example.org"),
                ("1.5", "a text", "ada@example.org"),
                (float("inf"), "infinite", "big@example.org"),
                ("Infinity", "called so", "BIG@example.org"),
            ],
        )
    connection.close()
    move = Mover(f"sqlite:///{path}", target_uri)

    planned, done, checked = move("plan", "--json"), move("run", "--json"), move("verify", "--compare", "all")

    assert [planned.code, done.code, checked.code] == [1, 1, 0], checked.out
    for tally in (planned.report["tally"], done.report["tally"]):
        assert {one["text"]: one["count"] for one in tally["tables"]["users"]["reasons"]} == {
            "id becomes the same as another's": 2
        }
    assert {one["name"]: one.get("email_folded") for one in db.users.find()} == {
        "a number": "ada@example.org",
        "a text": None,
        "infinite": "big@example.org",
        "called so": None,
    }


def test_usernames_that_two_users_have_are_kept_apart(mover: Make, db: Db, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[users]\ncolumns.username = "name"\n')

    moved(mover, {"users": [user(1, name="ada"), user(2, name="ada")]}, "--map", str(tmp_path / "map.toml"))

    assert [one.get("username") for one in db.users.find().sort("_id", 1)] == ["ada", None]


@pytest.mark.parametrize("options", [(), ("--timezone", "releases.created_date=Europe/Berlin")])
def test_dates_of_usual_releases_are_of_their_zone(mover: Make, db: Db, options: tuple[str, ...]) -> None:
    rows: Rows = {"releases": [release(1, "flask", "1.0.0", created_date="2020-06-01 12:00:00")]}

    moved(mover, rows, *options)

    [stored] = db.packages.aggregate(
        [{"$match": {"_id": "flask"}}, {"$unwind": "$releases"}, {"$replaceWith": "$releases"}]
    )
    assert stored["created_date"] == datetime(2020, 6, 1, 10 if options else 12, tzinfo=UTC)
