"""Rows that catch-up recognizes are not converted again, and nothing that they depend on is overlooked."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo import mapping, recognizing
from tests.migrations_sql_to_mongo.conftest import Mover, site_documents
from tests.migrations_sql_to_mongo.old_site import Rows, label, maintainer, package, release, some_rows, user

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


def old_site_goes_on(move: Mover, *statements: str) -> None:
    """Change the source."""
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of the packages and users that were made from rows."""
    found: list[Any] = []
    of_package, of_user = mapping.package_document, mapping.user_document

    def package_document(row: Any, *rest: Any) -> dict[str, Any]:
        found.append(row.of[0])
        return of_package(row, *rest)

    def user_document(row: Any, **options: Any) -> dict[str, Any]:
        found.append(row.of[0])
        return of_user(row, **options)

    monkeypatch.setattr(mapping, "package_document", package_document)
    monkeypatch.setattr(mapping, "user_document", user_document)
    return found


def test_only_what_has_changed_is_converted(mover: Make, converted: list[Any]) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    old_site_goes_on(
        move,
        "UPDATE releases SET comment = 'hi' WHERE id = 3",
        "UPDATE users SET name = 'Ada' WHERE id = 2",  # maintains flask
    )
    converted.clear()

    assert move("catch-up").code == 0

    assert converted == [2, "Zope.Interface", "flask"]
    converted.clear()
    assert move("catch-up").code == 0
    assert converted == []


def test_rows_that_were_rejected_are_looked_at_each_time(mover: Make, converted: list[Any]) -> None:
    rows = some_rows()
    rows["releases"].append(release(9, "flask", size="12 MB"))
    move = mover(rows)
    assert move("run", "--max-reject-share", "100").code == 1
    converted.clear()

    done = move("catch-up", "--json", "--max-reject-share", "100")

    assert done.report["tally"]["tables"]["releases"]["rejected"] == 1
    assert converted == ["flask"]


def test_another_build_converts_everything_once(
    mover: Make, converted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    monkeypatch.setattr(recognizing, "_rules", lambda: "others")
    converted.clear()

    first, count = move("catch-up", "--json"), len(converted)
    second = move("catch-up", "--json")

    assert first.report["changes"] == second.report["changes"] == {}
    assert count == len(converted) == 5


def test_digests_of_an_older_build_are_enough(mover: Make, db: Db, converted: list[Any]) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    [name] = [one for one in db.list_collection_names() if one.startswith("migrations_digests")]
    db[name].update_many({}, {"$unset": {"rows": 1}})
    converted.clear()

    done = move("catch-up", "--json")

    assert done.report["changes"] == {}
    assert len(converted) == 5
    assert move("catch-up").code == 0
    assert len(converted) == 5


@pytest.mark.parametrize(
    "statements",
    [
        ["INSERT INTO licenses (id) VALUES ('ZPL')"],
        ["DELETE FROM licenses WHERE id = 'BSD'"],
        ["UPDATE users SET id = 'no number' WHERE id = 2"],
        ["UPDATE users SET name = CAST(x'ff' AS TEXT) WHERE id = 2"],  # rejected, and so is what refers to it
        ["INSERT INTO users (id, email) VALUES (0, 'USER1@example.org')"],
        ["INSERT INTO packages (id) VALUES ('Flask')"],  # one name for two
        ["UPDATE releases SET url = 'https://example.org/flask-7.tar.gz' WHERE id = 1"],  # of a download
        ["INSERT INTO releases SELECT * FROM releases WHERE id = 1"],
        ["INSERT INTO packages SELECT * FROM packages WHERE id = 'flask'"],
        ["ALTER TABLE users ADD COLUMN is_active INTEGER", "UPDATE users SET is_active = id = 1"],
        ["ALTER TABLE releases DROP COLUMN url"],
    ],
)
def test_what_else_a_document_depends_on_is_not_overlooked(mover: Make, db: Db, statements: list[str]) -> None:
    rows = some_rows()
    rows["licenses"].append(label("GPL"))
    rows["packages"].append(package("other", license="ZPL"))
    rows["maintainers"] += [maintainer(3, "other"), maintainer(2, "other")]
    rows["users"].append(user(4))
    move = mover(rows)
    assert move("run").code == 0
    old_site_goes_on(move, *statements)

    caught_up = move("catch-up", "--max-reject-share", "100", "--json")

    found = site_documents(db)
    assert move("verify").code == 0
    assert move("run", "--max-reject-share", "100", "--json").code == caught_up.code
    assert site_documents(db) == found
