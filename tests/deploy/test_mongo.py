from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymongo
import pytest
from pymongo.errors import OperationFailure

from tests.conftest import free_port
from tests.deploy.conftest import DB_PASSWORD, ROOT_PASSWORD, connect, member, run_init, site_uri, wait_for


def test_site_may_do_what_it_needs_in_its_own_database(mongo: int) -> None:
    with connect(site_uri(mongo)) as client:
        database = client.get_default_database()

        database.things.create_index("name")
        with client.start_session() as session, session.start_transaction():
            database.things.insert_one({"name": "jar"}, session=session)
        with database.things.watch(max_await_time_ms=5000) as changes:
            database.things.insert_one({"name": "lid"})
            change = changes.next()
        database.command("collMod", "things", validator={"name": {"$type": "string"}}, validationLevel="moderate")
        size = database.command("collStats", "things")["count"]
        database.things.drop()

    assert change["fullDocument"]["name"] == "lid"
    assert size == 2


@pytest.mark.parametrize("name", ["admin", "local", "config", "somebody_elses"])
def test_site_may_do_nothing_in_any_other_database(mongo: int, name: str) -> None:
    with connect(site_uri(mongo)) as client:
        for act in (client[name].users.find_one, lambda: client[name].things.insert_one({})):
            with pytest.raises(OperationFailure, match="not authorized"):
                act()
        with pytest.raises(OperationFailure, match="not authorized"):
            client.get_default_database().command("createUser", "eve", pwd="x", roles=["root"])


@pytest.mark.parametrize("uri", ["mongodb://127.0.0.1:{}/larder", "mongodb://larder:wrong@127.0.0.1:{}/larder"])
def test_nobody_comes_in_without_the_password(mongo: int, uri: str) -> None:
    with connect(f"{uri.format(mongo)}?directConnection=true") as client, pytest.raises(OperationFailure):
        client.get_default_database().users.find_one()


def test_moment_of_a_dump_is_kept_for_two_hours(mongo: int) -> None:
    with connect(f"mongodb://root:{quote(ROOT_PASSWORD, safe='')}@127.0.0.1:{mongo}/?directConnection=true") as client:
        found = client.admin.command("getParameter", 1, minSnapshotHistoryWindowInSeconds=1)

    assert found["minSnapshotHistoryWindowInSeconds"] == 7200


def test_second_run_changes_nothing_but_the_password(mongo: int) -> None:
    said = run_init(mongo, db_password="a-new-one")

    with connect(site_uri(mongo, password="a-new-one")) as client:
        assert client.get_default_database().command("ping")
    with connect(site_uri(mongo)) as client, pytest.raises(OperationFailure, match="Authentication failed"):
        client.get_default_database().command("ping")
    assert said == "The user larder may use the database larder.\nexit code 0"
    assert run_init(mongo) == said


@pytest.mark.parametrize(
    ("passwords", "reason"),
    [
        ({"root_password": "wrong"}, "Authentication failed."),
        ({"root_password": ""}, "MONGO_ROOT_PASSWORD is missing"),
        ({"db_password": ""}, "LARDER_DB_PASSWORD is missing"),
        ({"db_password": "p@ss/word"}, "LARDER_DB_PASSWORD stands in an address: it may have letters, digits, and"),
    ],
)
def test_what_is_wrong_is_one_line(mongo: int, passwords: dict[str, str], reason: str) -> None:
    said = run_init(mongo, **passwords)

    assert said.startswith(f"FAILED: {reason}")
    assert said.count("\n") == 1
    assert said.endswith("exit code 1")
    assert ROOT_PASSWORD not in said
    assert "p@ss" not in said


def test_one_member_grows_to_three_and_its_data_with_it(tmp_path: Path) -> None:
    ports, key = [free_port() for _ in range(3)], "5ba4" * 16
    with member(tmp_path / "1", port=ports[0], root=True):
        run_init(ports[0])
        with connect(site_uri(ports[0])) as client:
            client.get_default_database().packages.insert_one({"_id": "flask"})

    # The same, with MONGO_KEY: deploy/replica-set.yml.
    with (
        member(tmp_path / "1", port=ports[0], key=key),
        member(tmp_path / "2", port=ports[1], key=key),
        member(tmp_path / "3", port=ports[2], key=key),
    ):
        said = run_init(*ports)
        with connect(site_uri(*ports)) as client:
            packages: Any = client.get_default_database().packages
            at_all = packages.with_options(write_concern=pymongo.WriteConcern(w=3, wtimeout=60_000))
            at_all.insert_one({"_id": "click"})
        with pymongo.MongoClient[Any](
            f"mongodb://larder:{DB_PASSWORD}@127.0.0.1:{ports[2]}/larder?directConnection=true",
            read_preference=pymongo.ReadPreference.SECONDARY,
        ) as third:
            wait_for(lambda: third.larder.packages.count_documents({}) == 2, "the third member")

    assert said.splitlines()[1:] == [
        f"The replica set rs0 has a new member, 127.0.0.1:{ports[1]}.",
        f"The replica set rs0 has a new member, 127.0.0.1:{ports[2]}.",
        "exit code 0",
    ]
