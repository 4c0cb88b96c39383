"""Which packages `verify` compares field by field again, and that it finds what has changed whichever these are."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo import recognizing
from tests.migrations_sql_to_mongo.conftest import Mover, old_site_goes_on
from tests.migrations_sql_to_mongo.old_site import Rows, package, release, some_rows

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]

UNSAMPLED = "project-070"


def packages(count: int = 120) -> Rows:
    """A site with so many packages, of which the run rejects one release."""
    names = [f"project-{number:03}" for number in range(count)]
    return some_rows() | {
        "packages": [package(name, license="MIT") for name in names],
        "releases": [release(number + 1, name, "1.0.0") for number, name in enumerate(names)]
        + [release(999, UNSAMPLED, "2.0.0", size="12 MB")],
        "maintainers": [{"user_id": 1 + number % 2, "package_id": name} for number, name in enumerate(names)],
    }


@pytest.mark.parametrize(("compare", "recognized"), [("all", 0), ("sample", 68)])
def test_so_many_packages_are_only_recognized(mover: Make, compare: str, recognized: int) -> None:
    move = mover(packages())
    assert move("run").code == 1

    done = move("verify", "--compare", compare, "--json")

    assert (done.code, done.report["differences"]) == (0, [])
    # 120, without the first 50 and each 50th of all, and without one of which a row was rejected.
    assert done.report["recognized"] == recognized
    assert done.report["compared"]["releases"] == 121


@pytest.mark.parametrize("compare", ["all", "sample"])
@pytest.mark.parametrize("name", [UNSAMPLED, "project-071"])
def test_document_that_somebody_changed_is_found(mover: Make, db: Db, compare: str, name: str) -> None:
    move = mover(packages())
    assert move("run").code == 1
    db.packages.update_one({"_id": name}, {"$set": {"releases.0.size": 5}})

    done = move("verify", "--compare", compare, "--json")

    assert done.code == 3
    assert [one.partition(":")[0] for one in done.report["differences"]] == [f"packages {name}"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE packages SET summary = 'Another' WHERE id = 'project-071'",
        "UPDATE releases SET size = 5 WHERE package_id = 'project-071'",
        "DELETE FROM releases WHERE package_id = 'project-071'",
        "INSERT INTO maintainers VALUES (2, 'project-070')",
        "UPDATE users SET name = 'Somebody else' WHERE id = 2",
    ],
)
def test_row_that_somebody_changed_is_found(mover: Make, statement: str) -> None:
    move = mover(packages())
    assert move("run").code == 1
    old_site_goes_on(move, statement)

    done = move("verify", "--json")

    assert done.code == 3
    assert done.report["difference_count"] >= 1


def test_licence_that_is_no_longer_listed_is_looked_for_in_every_package(mover: Make) -> None:
    move = mover(packages())
    assert move("run").code == 1
    old_site_goes_on(move, "DELETE FROM licenses WHERE id = 'MIT'")

    done = move("verify", "--json")

    assert (done.code, done.report["recognized"]) == (3, 0)


def test_another_build_compares_everything(mover: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    move = mover(packages())
    assert move("run").code == 1
    monkeypatch.setattr(recognizing, "_rules", lambda: "other rules")

    done = move("verify", "--json")

    assert (done.code, done.report["recognized"]) == (0, 0)


def test_what_a_catch_up_wrote_is_recognized(mover: Make) -> None:
    move = mover(packages())
    assert move("run").code == 1
    old_site_goes_on(move, "UPDATE packages SET summary = 'Another' WHERE id = 'project-071'")
    assert move("catch-up").code == 1

    done = move("verify", "--json")

    assert (done.code, done.report["differences"], done.report["recognized"]) == (0, [], 68)
