"""Rejected rows: cut where MongoDB could not hold them, whole in the report's file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Raw, Rows, release, some_rows

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


@pytest.mark.parametrize("comment", ["x" * 17_000_000, Raw(b"\xff" * 9_000_000)], ids=["text", "no UTF-8"])
def test_rejected_row_of_any_size_ends_the_run_in_order(mover: Make, db: Db, tmp_path: Path, comment: Any) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere", comment=comment), release(2)]})

    done = move("run", "--report", str(tmp_path))

    assert done.code == 1, done.err
    assert move("verify").code == 0
    [kept] = db[f"migrations_rejects_{db.migrations.find_one({'state': 'done'})['_id']}"].find()  # type: ignore[index]
    [line] = (tmp_path / "rejects-releases.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    whole = json.loads(line)
    assert kept["is_cut"] is True
    assert len(str(kept["row"])) < 5_000
    assert (kept["key"], kept["reason"]) == ("1", "there is no such package")
    assert kept["digest"] == whole["digest"]
    assert whole["row"]["comment"] == (comment if isinstance(comment, str) else {"hex": "ff" * 9_000_000})


def test_small_rejected_row_is_kept_whole_and_can_be_replayed(mover: Make, db: Db, tmp_path: Path) -> None:
    odd = "a line\u2028 that goes on"
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere", comment=odd)]})
    assert move("run", "--report", str(tmp_path)).code == 1
    path = tmp_path / "rejects-releases.jsonl"
    row = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(row | {"row": row["row"] | {"package_id": "flask"}}, ensure_ascii=False) + "\n")

    replayed = move("rejects", "replay", str(path))

    assert replayed.code == 0, replayed.err
    assert move("verify").code == 0
    assert {one.get("comment") for one in db.packages.find_one("flask")["releases"]} == {"", odd}  # type: ignore[index]


def test_row_that_is_cut_cannot_be_replayed(mover: Make, tmp_path: Path) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere", comment="x" * 200_000)]})
    assert move("run").code == 1
    line: dict[str, Any] = {"table": "releases", "key": "1", "digest": "", "row": {}, "is_cut": True}
    (tmp_path / "cut.jsonl").write_text(json.dumps(line))

    refused = move("rejects", "replay", str(tmp_path / "cut.jsonl"))

    assert refused.code == 2
    assert "the row is cut" in refused.err


def test_share_is_a_number(mover: Make) -> None:
    refused = mover(some_rows())("run", "--max-reject-share", "nan")

    assert refused.code == 2
    assert "nan is not in the range" in refused.err


@pytest.mark.parametrize(
    ("rows", "rejected", "code"), [(40, 2, 1), (40, 3, 3), (20, 1, 1), (19, 18, 1), (19, 19, 3), (2, 2, 3), (1, 1, 1)]
)
def test_run_that_rejects_too_large_a_share_of_a_table_is_not_swapped_in(
    mover: Make, db: Db, rows: int, rejected: int, code: int
) -> None:
    releases = [release(n, "nowhere" if n <= rejected else "flask", f"1.{n}.0") for n in range(1, rows + 1)]
    move = mover(some_rows() | {"releases": releases})
    move.max_reject_share = None

    planned, done = move("plan"), move("run")

    assert (planned.code, done.code) == (code, code)
    assert ("packages" in db.list_collection_names()) == (code == 1)
    if code == 3:
        too_many = f"too many rows are rejected: {rejected} of {rows} releases (there is no such package)"
        allowed = "at most 5 % are allowed" + ", and of fewer than 20 rows all but one" * (rows < 20)
        assert f"{too_many}; {allowed}. Nothing was swapped in." in done.err
        share = 100 * rejected / rows
        assert move("run", "--max-reject-share", f"{share * 0.9}").code == 3
        assert move("run", "--max-reject-share", f"{min(share * 1.1, 100)}").code == 1
        assert move("verify").code == 0
