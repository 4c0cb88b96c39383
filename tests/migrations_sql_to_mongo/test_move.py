"""plan, run, verify, status and undo, as an operator meets them."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo.database import Database

from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import Ledger
from migrations_sql_to_mongo.target import open_target
from tests.migrations_sql_to_mongo.conftest import Mover, site_documents
from tests.migrations_sql_to_mongo.old_site import (
    NAMES,
    Rows,
    download,
    make_sqlite,
    package,
    release,
    some_rows,
    user,
)
from webapp.documents import DOCUMENTS, ensure_validators
from webapp.documents.validators import validator_of

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


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


def test_indexes_stand_before_the_swap(mover: Make, db: Db) -> None:
    mover(some_rows())("run")

    assert "one_user_an_email" in db.users.index_information()
    assert "by_license" in db.packages.index_information()
    moved = {name: db[name].index_information() for name in ("users", "packages", "downloads", "auditing")}
    for document_type in DOCUMENTS:
        for spec in document_type._meta["index_specs"]:
            # As mongoengine builds it; the server refuses one of the same name that is another one.
            options = {key: value for key, value in spec.items() if key != "fields"}
            db[document_type._meta["collection"]].create_index(spec["fields"], **options)
    assert moved == {name: db[name].index_information() for name in moved}


def test_rules_of_the_collections_stand_after_the_swap_and_after_undo(mover: Make, db: Db) -> None:
    ensure_validators(db, DOCUMENTS)
    db.users.insert_one({"_id": bson.ObjectId(), "name": "Member of before"})
    before = {name: db[name].options() for name in site_documents(db)}
    move = mover(some_rows())
    move("run", "--replace-existing")

    moved = {name: db[name].options() for name in before}
    broken = [each for each in DOCUMENTS if db[each._meta["collection"]].find_one({"$nor": [validator_of(each)]})]
    move("undo")

    assert broken == []
    assert moved == before
    assert db.users.options() == before["users"]


def test_plan_writes_nothing_and_says_what_run_does(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere")]})

    planned = move("plan", "--json")
    assert db.list_collection_names() == []
    done = move("run", "--json")

    assert planned.code == done.code == 1
    assert planned.report["tally"] == done.report["tally"]
    assert move("run", "--dry-run", "--json").report["tally"] == planned.report["tally"]


def test_plan_names_what_has_no_place(mover: Make, tmp_path: Path) -> None:
    move = mover(some_rows())
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as old:
        old.execute("CREATE TABLE sessions (id)")
        old.execute("ALTER TABLE users ADD COLUMN shoe_size")
    old.close()

    planned = move("plan", "--json").report

    assert planned["unknown_tables"] == ["sessions"]
    assert planned["unknown_columns"] == {"users": ["shoe_size"]}


def test_undo_gives_back_an_empty_site(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")

    assert move("undo").code == 0

    assert set(db.list_collection_names()) <= {"migrations", "site_stats", "download_counts", "known_names"}
    assert move("undo").code == 2


def test_undo_gives_back_what_stood_there(mover: Make, db: Db) -> None:
    db.packages.insert_one({"_id": "mine", "name": "mine"})
    db.packages.create_index("name", name="mine_too")
    db.pages.insert_one({"_id": "about", "title": "About"})
    before = site_documents(db)
    move = mover(some_rows())
    move("run", "--replace-existing")

    assert move("undo").code == 0

    assert site_documents(db) == before
    assert "mine_too" in db.packages.index_information()
    assert db.pages.count_documents({}) == 1


def test_undo_refuses_to_lose_a_change(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    db.users.insert_one({"_id": bson.ObjectId(), "email": "new@example.org"})

    refused = move("undo")

    assert (refused.code, db.users.count_documents({})) == (3, 4)
    assert "users was changed since the run" in refused.err
    assert move("undo", "--discard-changes").code == 0
    assert db.users.count_documents({}) == 0


def test_runs_are_taken_back_in_their_order(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    first = site_documents(db)
    again = mover(some_rows() | {"packages": []})
    assert again("run").code == 1
    runs = [entry["_id"] for entry in db.migrations.find({"state": "done"}).sort("_id", 1)]

    assert move("undo", "--run", runs[0]).code == 3
    assert move("undo").code == 0
    assert site_documents(db) == first
    assert move("undo").code == 0


def test_documents_of_others_are_not_replaced(mover: Make, db: Db) -> None:
    db.users.insert_one({"_id": bson.ObjectId(), "email": "somebody@example.org"})
    db.packages.insert_one(
        {"_id": "pip", "releases": [{"comment": "installed on the machine where this index was started"}]}
    )
    move = mover(some_rows())

    refused = move("run")

    assert refused.code == 3
    assert "users holds 1 documents that no move wrote (somebody@example.org)" in refused.err
    assert "packages holds the 1 packages that this site filled itself with at its first start" in refused.err
    assert "--replace-existing" in refused.err
    assert move("plan").code == 3
    assert move("run", "--replace-existing").code == 0


def test_edited_documents_of_a_move_are_not_replaced(mover: Make, db: Db) -> None:
    move = mover(some_rows())
    move("run")
    assert move("run").code == 0  # untouched ones are
    db.users.update_one({}, {"$set": {"name": "Countess"}})

    refused = move("run")

    assert refused.code == 3
    assert "users holds 3 documents of an earlier move, edited since" in refused.err


def test_map_file_moves_another_site(tmp_path: Path, target_uri: str, db: Db) -> None:
    path = tmp_path / "theirs.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE auth_user (id INTEGER, username TEXT, password TEXT, date_joined TEXT, theme INTEGER)")
    old.execute("INSERT INTO auth_user VALUES (7, 'ada', 'pbkdf2$1', '2020-06-01 12:00:00', 1)")
    old.commit()
    old.close()
    (tmp_path / "map.toml").write_text(
        '[users]\ntable = "auth_user"\ncolumns.name = "username"\ncolumns.username = "username"\n'
        'columns.hashed_password = "password"\ncolumns.created_date = "date_joined"\n'
        '[timezones]\n"users.created_date" = "Europe/Berlin"\n'
    )
    move = Mover(f"sqlite:///{path}", target_uri)

    assert move("plan").code == 2  # without the map it is another site's database
    done = move("run", "--map", str(tmp_path / "map.toml"), "--json")

    assert done.code == 0
    assert done.report["unknown_columns"] == {"users": ["theme"]}
    ada = db.users.find_one() or {}
    assert (ada["username"], ada["name"], ada["hashed_password"]) == ("ada", "ada", "pbkdf2$1")
    assert ada["created_date"] == datetime(2020, 6, 1, 10, tzinfo=UTC)
    assert move("verify", "--map", str(tmp_path / "map.toml")).code == 0


def test_excluded_tables_are_counted(mover: Make, db: Db, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("[downloads]\nexclude = true\n")
    move = mover(some_rows())

    done = move("run", "--map", str(tmp_path / "map.toml"), "--json").report

    assert done["tally"]["tables"]["downloads"]["excluded"] == 2
    assert db.downloads.count_documents({}) == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "--map"),
        ("[shoes]\n", "[shoes] is unknown"),
        ("[users]\ncolumns.shoe = 'size'\n", "no place for columns.shoe"),
        ("[users]\ntable = 'people'\n", "the source has no table people"),
        ("[users]\ncolumns.name = 'nick'\n", "no column nick"),
        ("[dates]\n'users.created_date' = 'maybe'\n", "can be absent or reject"),
        ("[timezones]\n'users.created_date' = 'Mars/Olympus'\n", "not a time zone"),
        ("[timezones]\n'users.name' = 'UTC'\n", "not a column of dates"),
    ],
)
def test_map_that_makes_no_sense_is_refused(mover: Make, tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "map.toml").write_text(content)

    refused = mover(some_rows())("plan", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert complaint in refused.err
    assert refused.err.count("\n") == 1


def test_report_folder_holds_everything(mover: Make, tmp_path: Path) -> None:
    move = mover(some_rows() | {"users": [user(1), user(-5)], "releases": [release(1, size="12 MB")]})

    done = move("run", "--report", str(tmp_path / "report"))

    assert done.code == 1
    report = (tmp_path / "report" / "report.md").read_text()
    assert "size is not a whole number" in report
    assert "is shown for its latest release. It says nothing of older releases" in report
    assert json.loads((tmp_path / "report" / "report.json").read_text())["exit_code"] == 1
    [line] = (tmp_path / "report" / "rejects-releases.jsonl").read_text().splitlines()
    assert json.loads(line)["row"]["size"] == "12 MB"
    assert list(json.loads(line)["row"]) == NAMES["releases"]
    [line] = (tmp_path / "report" / "rejects-users.jsonl").read_text().splitlines()
    assert json.loads(line)["row"]["hashed_password"] == "(hidden)"


def test_on_error_stop_stops_at_the_first_reject(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, "nowhere"), release(3, "neither")]})

    planned, stopped = move("plan", "--on-error", "stop"), move("run", "--on-error", "stop")

    assert (planned.code, stopped.code) == (3, 3)
    assert "no reject is allowed" in stopped.err
    assert db.packages.count_documents({}) == 0
    assert move("run", "--max-rejects", "1").code == 3
    assert move("run", "--max-rejects", "2").code == 1
    assert db.packages.count_documents({}) == 2


def test_second_run_is_refused_while_the_first_works(mover: Make, target_uri: str, db: Db) -> None:
    move = mover(some_rows())
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        refused = move("run")
    target.close()

    assert refused.code == 3
    assert "`run` of process" in refused.err
    assert move("run").code == 0


def test_lock_of_a_dead_process_is_taken_over(mover: Make, target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        lock = db.migrations.find_one({"_id": "lock"}) or {}
    target.close()
    db.migrations.insert_one(lock | {"pid": 2**22 + 1})
    move = mover(some_rows())

    assert move("run").code == 0


def test_lock_of_a_silent_machine_is_taken_over(mover: Make, target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    with Ledger(target).lock("run"):
        lock = db.migrations.find_one({"_id": "lock"}) or {}
    target.close()
    db.migrations.insert_one(lock | {"host": "elsewhere"})
    move = mover(some_rows())

    assert move("run").code == 3
    db.migrations.update_one({"_id": "lock"}, {"$set": {"heartbeat_at": datetime(2020, 1, 1, tzinfo=UTC)}})
    assert move("run").code == 0


def test_holder_that_lost_its_lock_stops(target_uri: str, db: Db) -> None:
    target = open_target(target_uri)
    ledger = Ledger(target)
    entry = ledger.begin({}, lambda _: [])
    with ledger.lock("run"):
        ledger._lost.set()
        with pytest.raises(Stopped, match="taken over"):
            ledger.note(entry, state="copying")
    target.close()


def test_status_tells_of_runs(mover: Make) -> None:
    move = mover(some_rows())
    assert "has seen no move" in move("status").out
    move("run")

    assert "done" in move("status").out
    assert json.loads(move("status", "--json").out)["runs"][0]["state"] == "done"


def test_verify_without_a_run_is_wrong_use(mover: Make) -> None:
    assert mover(some_rows())("verify").code == 2


def test_changed_source_stops_a_resumed_run(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move("run", "--on-error", "stop")
    with sqlite3.connect(move.source.removeprefix("sqlite:///")) as old:
        old.execute("DELETE FROM users")
    old.close()

    stopped = move("run")

    assert stopped.code == 3
    assert "number of rows was another one" in stopped.err
    assert move("undo").code == 0
    assert move("run").code == 1


def test_staging_is_gone_after_undo_of_an_interrupted_run(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"releases": [release(1, "nowhere")]})
    move("run", "--on-error", "stop")
    assert any("staging" in name for name in db.list_collection_names())

    assert move("undo").code == 0

    assert db.list_collection_names() == ["migrations"] or set(db.list_collection_names()) == {
        "migrations",
        "site_stats",
    }


def test_site_itself_commands_the_move(mover: Make, tmp_path: Path) -> None:
    """On mongomock, through `flask migrate-sql`, without --target."""
    from config import TestingConfig
    from migrations_sql_to_mongo import init_app
    from webapp import create_app

    class Config(TestingConfig):
        MONGODB_URI = f"mongomock://localhost/larder_move_{tmp_path.name}"

    import mongoengine

    mongoengine.disconnect_all()
    app = create_app(Config)
    if "migrate-sql" not in app.cli.commands:
        init_app(app)
    source = make_sqlite(tmp_path / "old.sqlite", some_rows() | {"downloads": [download(1)]})
    command = app.test_cli_runner().invoke
    try:
        for name, code in (("plan", 0), ("run", 0), ("verify", 0), ("undo", 0)):
            arguments = ["migrate-sql", name, *(["--source", source] if name != "undo" else []), "--quiet"]
            done = command(args=arguments)
            assert (name, done.exit_code, done.output if done.exit_code else "") == (name, code, "")
    finally:
        mongoengine.disconnect_all()


def test_packages_alone_are_a_source(tmp_path: Path, target_uri: str, db: Db) -> None:
    path = tmp_path / "only.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE packages (id TEXT)")
    old.execute("INSERT INTO packages VALUES ('flask')")
    old.commit()
    old.close()
    move = Mover(f"sqlite:///{path}", target_uri)

    assert move("run").code == 0
    assert move("verify").code == 0
    assert db.packages.find_one() == {
        "_id": "flask",
        "name": "flask",
        "release_count": 0,
        "legacy": {"sql_id": "flask"},
    }


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
