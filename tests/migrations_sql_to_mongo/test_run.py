"""plan, run, verify, status and undo, as an operator meets them."""

import sqlite3
from datetime import UTC, datetime

import bson

from tests.migrations_sql_to_mongo.conftest import Db, Make
from tests.migrations_sql_to_mongo.old_site import (
    package,
    release,
    some_rows,
)
from webapp.documents import DOCUMENTS


def test_everything_is_moved_and_verified(mover: Make, db: Db) -> None:
    move = mover(some_rows())

    assert move("run").code == 0

    assert move("verify").code == 0
    flask = db.packages.find_one({"_id": "flask"}) or {}
    assert [one["version"] for one in flask["releases"]] == ["1.10.0", "1.0.0"]
    assert flask["latest"]["version"] == "1.10.0"
    assert flask["license_id"] == "BSD"
    assert [one["name"] for one in flask["maintainers"]] == ["User 1", "User 2"]
    assert flask["created_date"] == datetime(2010, 4, 16, 14, 30, tzinfo=UTC)
    assert flask["updated_date"] == datetime(2018, 4, 26, 19, 34, tzinfo=UTC)
    zope = db.packages.find_one({"_id": "zope-interface"}) or {}
    assert zope["name"] == "Zope.Interface"
    assert zope["releases"][0]["version"] == "4.0rc1"
    assert "there" in zope["description_html"]
    ada = db.users.find_one({"_id": bson.ObjectId("000000000000000000000001")}) or {}
    assert ada["email_folded"] == "user1@example.org"
    assert ada["hashed_password"] == "$6$rounds=171204$abc$def"
    assert ada["legacy"] == {"sql_id": 1}
    assert db.downloads.count_documents({"package": "flask", "version": "1.0.0"}) == 1
    assert [each["count"] for each in db.download_counts.find({"kind": "release", "version": "1.0.0"})] == [1]
    assert [each["count"] for each in db.download_counts.find({"kind": "site"})] == [2]
    assert (db.site_stats.find_one() or {})["projects"] == 2
    # An upstream index is never asked for what was moved, whatever becomes of it.
    assert set(db.known_names.distinct("_id")) == set(db.packages.distinct("_id"))


def test_site_reads_what_was_moved(mover: Make, db: Db) -> None:
    """Every field that the documents of the site do not declare would be an error there."""
    mover(some_rows())("run")

    for document_type in DOCUMENTS:
        for raw in db[document_type._meta["collection"]].find():
            document_type._from_son(raw).validate()


def test_on_error_stop_stops_at_the_first_reject(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere"), release(3, "neither")]})

    planned, stopped = move("plan", "--on-error", "stop"), move("run", "--on-error", "stop")

    assert (planned.code, stopped.code) == (3, 3)
    assert "no reject is allowed" in stopped.err
    assert db.packages.count_documents({}) == 0
    assert move("run", "--max-rejects", "1").code == 3
    assert move("run", "--max-rejects", "2").code == 1
    assert db.packages.count_documents({}) == 2


def test_verify_without_a_run_is_wrong_use(mover: Make) -> None:
    assert mover(some_rows())("verify").code == 2


def test_changed_source_stops_a_resumed_run(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move("run", "--on-error", "stop")
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as old:
        old.execute("DELETE FROM users")
    old.close()

    stopped = move("run")

    assert stopped.code == 3
    assert "number of rows was another one" in stopped.err
    assert move("undo").code == 0
    assert move("run").code == 1


def test_order_of_names_is_by_bytes(mover: Make, db: Db) -> None:
    names = ["b", "B-2", "a.b", "A", "_bad", "Z", "zz", "Zz-9"]
    rows = some_rows() | {
        "packages": [package(name) for name in names],
        "releases": [release(number, name) for number, name in enumerate([*names, "nothing", "0", "~"])],
        "maintainers": [],
    }
    move = mover(rows)

    done = move("run", "--json")

    assert done.report["tally"]["tables"]["releases"]["rejected"] == 4
    assert move("verify").code == 0
    assert db.packages.count_documents({"release_count": 1}) == 7
