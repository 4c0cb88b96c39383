"""Names that a move brings to the site, and undo takes away."""

from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import CHANGES, Db, Make, old_site_goes_on, replay
from tests.migrations_sql_to_mongo.old_site import package, release, some_rows


def names(db: Db) -> list[str]:
    """What is never requested from upstream."""
    return sorted(db.known_names.distinct("_id"))


def test_undo_takes_away_the_names_that_a_run_and_a_catch_up_brought(mover: Make, db: Db) -> None:
    db.known_names.insert_many([{"_id": "flask", "skeleton": "f1ask"}, {"_id": "gone", "skeleton": "g0ne"}])
    move = mover(some_rows())
    assert move("run").code == 0
    assert names(db) == ["flask", "gone", "zope-interface"]
    old_site_goes_on(move, *CHANGES)
    assert move("catch-up").code == 0
    assert names(db) == ["flask", "gone", "new-one", "zope-interface"]

    assert move("undo").code == 0
    assert names(db) == ["flask", "gone", "zope-interface"]
    assert move("undo").code == 0
    assert names(db) == ["flask", "gone"]


def test_names_that_the_site_has_used_since_stay(mover: Make, db: Db) -> None:
    db.packages.insert_one({"_id": "flask", "name": "flask"})
    move = mover(some_rows())
    assert move("run", "--replace-existing").code == 0
    db.journal.insert_one({"_id": 1, "package": "zope-interface"})

    assert move("undo").code == 0

    assert names(db) == ["flask", "zope-interface"]


def test_undo_takes_away_the_name_of_a_corrected_package(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"packages": [package(), package("no name!")], "releases": [release(1)]})
    move("run", "--report", str(tmp_path))
    assert replay(move, tmp_path, "packages", lambda row: row.update(id="a-name")).code == 0
    assert names(db) == ["a-name", "flask"]

    assert move("undo").code == 0
    assert names(db) == ["flask"]

    assert move("undo").code == 0
    assert names(db) == []
