"""Tables are found where they are."""

from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import Db, Mover
from tests.migrations_sql_to_mongo.servers import empty_database


def test_views_and_one_other_schema_are_found_by_themselves(target_uri: str, db: Db) -> None:
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE SCHEMA app",
            "CREATE TABLE app.u (id int PRIMARY KEY, name text)",
            "INSERT INTO app.u VALUES (1, 'Ada')",
            "CREATE MATERIALIZED VIEW app.users AS SELECT id, name FROM app.u",
            "CREATE VIEW app.packages AS SELECT 'flask'::text AS id, 'web'::text AS summary",
        )
        move = Mover(server.url, target_uri)

        planned, done = move("plan"), move("run")

    assert (planned.code, done.code) == (0, 0), done.err
    assert "Expected, but not in the source: licenses, languages, maintainers, releases, downloads" in planned.out
    assert "- table app.u\n" in planned.out
    assert [one["name"] for one in db.users.find()] == ["Ada"]
    assert [one["name"] for one in db.packages.find()] == ["flask"]


def test_partitions_are_part_of_their_tables(tmp_path: Path, target_uri: str, db: Db) -> None:
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE SCHEMA parts",
            "CREATE TABLE packages (id text, summary text) PARTITION BY LIST (id)",
            "CREATE TABLE packages_jam PARTITION OF packages FOR VALUES IN ('jam')",
            "CREATE TABLE parts.packages_rest PARTITION OF packages DEFAULT PARTITION BY LIST (id)",
            "CREATE TABLE parts.packages_others PARTITION OF parts.packages_rest DEFAULT",
            "INSERT INTO packages VALUES ('jam', 'food'), ('flask', 'web')",
            "CREATE TABLE shoes (id int)",
        )
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text('[packages]\ntable = "packages_jam"\n')

        planned, done, suggested = move("plan"), move("run"), move("map", "suggest")
        of_one_part = move("plan", "--json", "--map", str(tmp_path / "map.toml"))

    assert (planned.code, done.code) == (0, 0), done.err
    assert [line for line in planned.out.splitlines() if line.startswith("- table ")] == ["- table shoes"]
    assert [one["_id"] for one in db.packages.find().sort("_id", 1)] == ["flask", "jam"]
    assert "packages_" not in suggested.out
    assert of_one_part.report["tally"]["tables"]["packages"]["found"] == 1
