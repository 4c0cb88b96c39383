"""Which descriptions `verify` renders once more, and that it finds wrong HTML whichever these are."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo.digests import RENDERED
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Rows, package, some_rows

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


def described(count: int) -> Rows:
    """A site with so many packages that have descriptions."""
    return some_rows() | {
        "packages": [package(f"project-{number:03}", description=f"*{number}*") for number in range(count)],
        "releases": [],
        "maintainers": [],
    }


@pytest.mark.parametrize(("render", "expected"), [("all", 120), ("sample", 51), ("none", 0)])
def test_so_many_descriptions_are_rendered_again(mover: Make, render: str, expected: int) -> None:
    move = mover(described(120))
    assert move("run").code == 0

    done = move("verify", "--render", render, "--json")

    assert done.code == 0, done.err
    assert done.report["rendered_again"] == expected


@pytest.mark.parametrize("render", ["all", "sample", "none"])
def test_html_that_somebody_changed_is_found(mover: Make, db: Db, render: str) -> None:
    move = mover(described(120))
    assert move("run").code == 0
    db.packages.update_one({"_id": "project-070"}, {"$set": {"description_html": "<p>Something else</p>"}})

    done = move("verify", "--render", render, "--json")

    assert done.code == 3
    assert done.report["differences"] == [
        "packages project-070: description_html is not what the description renders to"
    ]


def test_description_that_was_rendered_by_a_catch_up_needs_no_rendering_again(mover: Make) -> None:
    rows = described(3)
    move = mover(rows)
    assert move("run").code == 0
    rows["packages"][1]["description"] = "*Another*"
    new, old = (Path(each.source.removeprefix("sqlite:///")) for each in (mover(rows), move))
    old.write_bytes(new.read_bytes())
    assert move("catch-up").code == 0

    done = move("verify", "--render", "none", "--json")

    assert done.code == 0, done.err
    assert done.report["rendered_again"] == 0


def test_description_whose_digest_a_killed_run_did_not_keep_is_rendered_again(mover: Make, db: Db) -> None:
    move = mover(described(3))
    assert move("run").code == 0
    [digests] = [name for name in db.list_collection_names() if name.startswith("migrations_digests")]
    assert db[digests].delete_many({"collection": RENDERED}).deleted_count
    db.packages.update_one({"_id": "project-001"}, {"$set": {"description_html": "<p>Something else</p>"}})

    done = move("verify", "--render", "none", "--json")

    assert done.report["rendered_again"] == 3
    assert done.report["differences"] == [
        "packages project-001: description_html is not what the description renders to"
    ]


def test_rejected_description_that_is_no_text_does_not_end_verify(mover: Make) -> None:
    move = mover(described(3))
    with contextlib.closing(sqlite3.connect(move.source.removeprefix("sqlite:///"))) as old_site:
        old_site.executescript("""
            ALTER TABLE packages DROP COLUMN description;
            ALTER TABLE packages ADD COLUMN description;
            UPDATE packages SET description = 12 WHERE id = 'project-001';
            """)
    done = move("run", "--max-reject-share", "100", "--json")
    assert done.report["tally"]["tables"]["packages"]["rejected"] == 1

    assert move("verify").code == 0
