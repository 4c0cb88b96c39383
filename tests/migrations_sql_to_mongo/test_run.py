"""plan, run, verify, status and undo, as an operator meets them."""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Interruption, Make, old_site_goes_on
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


@pytest.mark.parametrize("change", ["DELETE FROM users WHERE id = 3", "UPDATE users SET name = 'Ada' WHERE id = 1"])
def test_run_whose_source_changes_while_it_is_interrupted_starts_afresh(
    mover: Make, db: Db, interruption: Interruption, change: str
) -> None:
    """It is stopped after its first, seventh, thirteenth ... conversation with the server, until it gets through."""
    afresh = 0
    for stop in itertools.count(1, 6):
        move = mover(some_rows())
        interruption.after = stop
        move("run", "--batch-size", "2")
        is_through, interruption.after = interruption.after > 0, 0
        state = next((entry["state"] for entry in db.migrations.find({"_id": {"$ne": "lock"}})), None)
        old_site_goes_on(move, change)

        done = move("run", "--batch-size", "2")

        assert done.code == 0, (stop, done.err)
        afresh += "starting afresh" in done.err
        # What it had staged is gone.
        kept = {one["_id"] for one in db.migrations.find({"state": "done"})}
        left = re.findall(r"_(\d{8}_\d{6}\w*)", " ".join(db.list_collection_names()))
        assert {*left} <= kept
        assert not [name for name in db.list_collection_names() if "_staging_" in name]
        if state == "swapping":
            assert move("catch-up").code == 0
        assert move("verify").code == 0
        db.client.drop_database(db.name)
        if is_through:
            break
    assert afresh > 4


def test_changed_source_is_noticed_before_the_rest_is_rendered(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows())
    with monkeypatch.context() as patched:
        patched.setattr("migrations_sql_to_mongo.run.render_staged", _stopped)
        assert move("run").code == 3
    old_site_goes_on(move, "UPDATE users SET last_login = '2026-01-01 00:00:00' WHERE id = 1")
    monkeypatch.setattr("migrations_sql_to_mongo.run.render_staged", _stopped)

    stopped = move("run")

    assert "has changed since run" in stopped.err
    undone, copied = sorted(db.migrations.find(), key=lambda entry: entry["_id"])
    assert (undone["state"], undone["resumed"], copied["state"], copied["resumed"]) == ("undone", 1, "rendering", 0)


def _stopped(*_: Any) -> None:
    raise KeyboardInterrupt


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
