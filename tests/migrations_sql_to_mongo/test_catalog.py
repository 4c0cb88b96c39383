"""Tables are found where they are."""

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
