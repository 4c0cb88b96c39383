"""Who must maintain a project."""

from pathlib import Path
from typing import Any

import pytest

from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.target import Target
from tests.migrations_sql_to_mongo.conftest import Db, Mover
from tests.migrations_sql_to_mongo.servers import SERVERS, old_database
from tests.migrations_sql_to_mongo.verify.conftest import compared, edited


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maintainers.0.name": "Another"}, "packages flask: maintainers[0].name is Another, User 1 in the source"),
        (
            {"maintainers.1.user_id": "x"},
            "packages flask: maintainers[1].user_id is x, ObjectId('000000000000000000000002') in the source",
        ),
        ({"maintainers": []}, "packages flask: maintainers has 0 entries, 2 in the source"),
    ],
)
def test_maintainer_that_differs_from_its_row_is_found(
    target: Target, good_copy: str, change: dict[str, Any], said: str
) -> None:
    with edited(target, "packages", {"_id": "flask"}, change):
        found = compared(good_copy, target, Layout())

    [difference] = found.differences
    assert said in difference


@pytest.mark.parametrize("dialect", ["sqlite", *SERVERS])
@pytest.mark.parametrize("name", ['["first", "last"]', '{ column = "first", prefix = "u/" }'])
def test_nobody_has_no_name_either(target_uri: str, db: Db, tmp_path: Path, dialect: str, name: str) -> None:
    """Names of several columns, or with a prefix, are read like others if there is no such user."""
    statements = [
        "CREATE TABLE people (id integer, first varchar(20), last varchar(20))",
        "INSERT INTO people VALUES (1, 'Ada', 'Lovelace')",
        "CREATE TABLE packages (id varchar(20), owner_id integer)",
        "INSERT INTO packages VALUES ('a', 1), ('b', 9), ('c', NULL)",
        "CREATE TABLE maintainers (user_id integer, package_id varchar(20))",
        "INSERT INTO maintainers VALUES (1, 'b'), (9, 'c')",
    ]
    (tmp_path / "map.toml").write_text(f'[users]\ntable = "people"\ncolumns.name = {name}\n')
    mapped = ("--map", str(tmp_path / "map.toml"))
    with old_database(dialect, tmp_path, statements) as (url, execute):
        move = Mover(url, target_uri)
        done = move("run", *mapped)
        assert done.code == 1, done.err
        execute("UPDATE packages SET owner_id = 9 WHERE id = 'a'")
        caught_up = move("catch-up", *mapped)
        assert caught_up.code == 1, caught_up.err
        assert move("verify", *mapped, "--compare", "all").code == 0

    ada = "Ada Lovelace" if "last" in name else "u/Ada"
    maintainers = {one["_id"]: [each["name"] for each in one.get("maintainers", [])] for one in db.packages.find()}
    assert maintainers == {"a": [], "b": [ada], "c": []}
