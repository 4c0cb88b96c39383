"""Usernames and addresses that users of the old site pass on, and that others register here meanwhile."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bson
import pytest

from migrations_sql_to_mongo import changes, unique_values
from migrations_sql_to_mongo.replacing import write_all
from migrations_sql_to_mongo.unique_values import restored, without_unique
from tests.migrations_sql_to_mongo.conftest import Db, Interruption, Make, Mover, old_site_goes_on, site_documents
from tests.migrations_sql_to_mongo.old_site import some_rows, user
from tests.migrations_sql_to_mongo.servers import old_database


class Lacking(NamedTuple):
    """A move after which somebody lacks a username, and the way to change the source."""

    move: Mover
    execute: Callable[[str], object]


EVE = {"name": "Eve", "email": "bob@example.org", "email_folded": "bob@example.org"}
EVE_HAS_IT = "another user of this site (Eve) has the email address bob@example.org"
ANN_AND_BOB = [
    "CREATE TABLE users (id integer, username text, email text)",
    "INSERT INTO users VALUES (1, 'ann', 'ann@example.org'), (2, 'bob', 'bob@example.org')",
]
SWAP = "UPDATE users SET email = CASE id WHEN 1 THEN 'bob@example.org' ELSE 'ann@example.org' END"


def addresses(db: Db) -> dict[str | None, str | None]:
    """The addresses with which people sign in, by their usernames."""
    return {one.get("username"): one.get("email_folded") for one in db.users.find().sort("_id", 1)}


def test_people_can_swap_addresses_and_projects_names(mover: Make, db: Db) -> None:
    rows = some_rows()
    rows["users"] += [user(4), user(5), user(6), user(7)]
    move = mover(rows)
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(
        move,
        "UPDATE users SET email = CASE id WHEN 1 THEN 'user4@example.org' ELSE 'user1@example.org' END "
        "WHERE id IN (1, 4)",
        # One waits for the next.
        "UPDATE users SET email = CASE id WHEN 5 THEN 'user6@example.org' WHEN 6 THEN 'user7@example.org' "
        "ELSE 'new@example.org' END WHERE id IN (5, 6, 7)",
        "UPDATE packages SET id = 'x' WHERE id = 'flask'",
        "UPDATE packages SET id = 'flask' WHERE id = 'Zope.Interface'",
        "UPDATE packages SET id = 'ZOPE_Interface', summary = 'a' || char(0) || '\U0001f967' WHERE id = 'x'",
    )

    done = move("catch-up", "--json")

    assert done.code == 1  # releases whose package is now called otherwise
    assert done.report["conflicts"] == []
    assert move("verify").code == 0
    caught_up = site_documents(db)
    assert move("undo").code == 0
    assert site_documents(db) == before
    assert move("run", "--max-reject-share", "100").code == 1
    assert site_documents(db) == caught_up


def test_swap_of_addresses_goes_on_wherever_it_was_stopped(mover: Make, db: Db, interruption: Interruption) -> None:
    """By another catch-up, or by undo: nobody loses an address."""
    move = mover(some_rows() | {"users": [user(1), user(2), user(3)]})
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, "UPDATE users SET email = 'user' || (id % 3 + 1) || '@example.org'")
    assert move("catch-up").code == 0
    wanted = site_documents(db)
    for stop, is_undone in itertools.product(range(1, 200, 7), (False, True)):
        while site_documents(db) != before:
            assert move("undo").code == 0
        interruption.after = stop
        stopped = move("catch-up")
        interruption.after = 0
        if stopped.code == 0:
            break
        if is_undone:
            assert move("undo").code == 0
            assert site_documents(db) == before
        assert move("catch-up").code == 0
        assert site_documents(db) == wanted
    assert stop > 30


def test_users_who_wait_for_each_other_and_for_somebody_else_lose_nothing(mover: Make, db: Db) -> None:
    move = mover(some_rows() | {"users": [user(1), user(2), user(3), user(4)]})
    assert move("run").code == 0
    db.users.insert_one({"name": "Eve", "email": "eve@example.org", "email_folded": "eve@example.org"})
    before = site_documents(db)
    # 1 waits for 2, who waits for Eve; 3 and 4 wait for each other.
    addresses = {1: "user2", 2: "eve", 3: "user4", 4: "user3"}
    old_site_goes_on(
        move,
        *(f"UPDATE users SET email = '{one}@example.org' WHERE id = {number}" for number, one in addresses.items()),
    )

    done = move("catch-up", "--json")

    assert [one.partition(" (")[0] for one in done.report["conflicts"]] == ["users 1", "users 2"]
    assert [one.partition("): ")[2] for one in done.report["conflicts"]] == [
        "another user of this site (User 2) has the email address user2@example.org",
        "another user of this site (Eve) has the email address eve@example.org",
    ]
    emails = {one["_id"]: one["email_folded"] for one in db.users.find({"legacy": {"$exists": True}})}
    assert [*emails.values()] == [f"user{number}@example.org" for number in (1, 2, 4, 3)]
    assert move("undo").code == 0
    assert site_documents(db) == before

    assert move("catch-up").code == 1
    db.users.delete_one({"name": "Eve"})
    assert move("catch-up").code == 0
    assert [one["email_folded"] for one in db.users.find().sort("_id", 1)] == [
        f"{one}@example.org" for one in addresses.values()
    ]


def test_address_that_is_registered_in_the_middle_of_a_swap_comes_back_when_it_is_free(
    target_uri: str, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with old_database("sqlite", tmp_path, ANN_AND_BOB) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        before = site_documents(db)
        execute(SWAP)

        def register_when_nobody_has_one(*arguments: Any) -> None:
            write_all(*arguments)
            if not db.users.count_documents({"email_folded": {"$exists": True}}):
                db.users.insert_one(dict(EVE))

        with monkeypatch.context() as at_once:
            at_once.setattr(unique_values, "write_all", register_when_nobody_has_one)
            done = move("catch-up")

        # Ann wants what Eve has, and keeps her own until Bob has taken it.
        assert (
            done.code,
            f"users 1 (ann): {EVE_HAS_IT}" in done.out,
        ) == (1, True), done.out
        assert addresses(db) == {"ann": None, "bob": "ann@example.org", None: "bob@example.org"}

        db.users.delete_one({"name": "Eve"})
        assert move("catch-up").code == 0
        assert addresses(db) == {"ann": "bob@example.org", "bob": "ann@example.org"}
        assert move("verify").code == 0
        assert move("undo").code == move("undo").code == 0
        assert site_documents(db) == before


@pytest.mark.parametrize("goes_on", ["catch-up", "undo"])
def test_address_that_is_registered_while_a_swap_is_interrupted_is_all_that_is_lost(
    target_uri: str, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: str
) -> None:
    with old_database("sqlite", tmp_path, ANN_AND_BOB) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        before = site_documents(db)
        execute(SWAP)

        def stop_when_nobody_has_one(*arguments: Any) -> None:
            write_all(*arguments)
            if not db.users.count_documents({"email_folded": {"$exists": True}}):
                raise KeyboardInterrupt

        with monkeypatch.context() as interrupted:
            interrupted.setattr(unique_values, "write_all", stop_when_nobody_has_one)
            assert move("catch-up").code == 3
        db.users.insert_one(dict(EVE))

        done = move(goes_on)

        if goes_on == "catch-up":
            assert (
                done.code,
                f"users 1 (ann): {EVE_HAS_IT}" in done.out,
            ) == (1, True), done.out
            assert addresses(db) == {"ann": None, "bob": "ann@example.org", None: "bob@example.org"}
        else:
            assert (done.code, "users 2 (" in done.err) == (3, True)
            done = move("undo", "--discard-changes")
            assert (
                done.code,
                f"users 2 (bob): {EVE_HAS_IT}" in done.out,
            ) == (0, True), done.out
            assert addresses(db) == {"ann": "ann@example.org", "bob": None, None: "bob@example.org"}
        db.users.delete_one({"name": "Eve"})
        assert move("catch-up").code == 0
        assert addresses(db) == {"ann": "bob@example.org", "bob": "ann@example.org"}
        for _ in range(1 if goes_on == "undo" else 2):
            assert move("undo").code == 0
        if goes_on == "catch-up":
            assert site_documents(db) == before


SWAP_NAMES = "UPDATE users SET username = CASE id WHEN 1 THEN 'bob' ELSE 'ann' END WHERE id < 3"
FOUR = [
    "CREATE TABLE users (id integer, username text, name text)",
    "INSERT INTO users VALUES (1, 'ann', 'Ann'), (2, 'bob', 'Bob'), (3, 'cy', 'Cy'), (4, 'dee', 'Dee')",
]


@pytest.fixture
def ann_lacks(target_uri: str, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lacking]:
    """Ann and Bob swapped their usernames, but Eve took bob at the moment when nobody had it: Ann gave up ann."""
    with old_database("sqlite", tmp_path, FOUR) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        execute(SWAP_NAMES)

        def register_when_it_is_free(*arguments: Any) -> None:
            write_all(*arguments)
            if not db.users.count_documents({"username": "bob"}):
                db.users.insert_one({"name": "Eve", "username": "bob"})

        with monkeypatch.context() as at_once:
            at_once.setattr(unique_values, "write_all", register_when_it_is_free)
            assert move("catch-up").code == 1
        assert usernames(db) == {"Ann": None, "Bob": "ann", "Cy": "cy", "Dee": "dee", "Eve": "bob"}
        yield Lacking(move, execute)


def usernames(db: Db) -> dict[str, str | None]:
    return {one["name"]: one.get("username") for one in db.users.find()}


def caught_up(move: Mover) -> tuple[Any, list[str]]:
    """Catch up, and return the changes and whose conflicts there are, as the dry run foresees them."""
    planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")
    for name in ("changes", "conflicts", "conflict_count"):
        assert planned.report[name] == done.report[name]
    return done.report["changes"], [one.partition(")")[0].partition("(")[2] for one in done.report["conflicts"]]


def test_undo_takes_nothing_that_a_user_has_chosen_instead(ann_lacks: Lacking, db: Db) -> None:
    move, execute = ann_lacks
    execute("UPDATE users SET username = 'cyril' WHERE id = 3")
    assert caught_up(move) == ({"users": {"changed": 1}}, ["ann"])
    db.users.update_one({"name": "Ann"}, {"$set": {"username": "cy"}})  # free by now

    planned, refused = move("undo", "--dry-run"), move("undo")

    assert (planned.code, planned.err) == (refused.code, refused.err)
    has_it = "users 3 (cy): another user of this site (cy) has the username cy"
    assert (refused.code, has_it in refused.err) == (3, True)
    undone = move("undo", "--discard-changes")
    assert (undone.code, "another user of this site (cy) has the username cy" in undone.out) == (0, True)
    assert usernames(db) == {"Ann": "cy", "Bob": "ann", "Cy": None, "Dee": "dee", "Eve": "bob"}


def test_what_the_source_gives_to_somebody_else_does_not_go_to_who_had_it_before(ann_lacks: Lacking, db: Db) -> None:
    move, execute = ann_lacks
    execute("UPDATE users SET username = 'robert' WHERE id = 2")
    execute("INSERT INTO users VALUES (5, 'ann', 'New')")
    db.users.update_one({"name": "Bob"}, {"$set": {"username": "robert"}})

    assert caught_up(move) == ({"users": {"changed": 1, "new": 1}}, ["ann"])

    assert usernames(db)["New"] == "ann"
    # It is not said of another undo that somebody lacks what they lacked before.
    undone = move("undo")
    assert (undone.code, "another user" in undone.out) == (0, False)
    assert usernames(db) == {"Ann": "ann", "Bob": "robert", "Cy": "cy", "Dee": "dee", "Eve": "bob"}


def test_projects_of_a_user_who_waits_have_the_name_that_the_user_will_have(
    target_uri: str, db: Db, tmp_path: Path
) -> None:
    tables = [
        "CREATE TABLE packages (id text)",
        "CREATE TABLE maintainers (user_id integer, package_id text)",
        "INSERT INTO packages VALUES ('flask')",
        "INSERT INTO maintainers VALUES (1, 'flask'), (2, 'flask')",
    ]
    with old_database("sqlite", tmp_path, [*FOUR, *tables]) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        before = site_documents(db)
        db.users.insert_one({"name": "Eve", "username": "anna"})
        execute("UPDATE users SET username = 'anna', name = 'Anna' WHERE id = 1")
        assert caught_up(move) == ({"packages": {"changed": 1}}, ["ann"])
        db.users.delete_one({"name": "Eve"})

        assert caught_up(move) == ({"users": {"changed": 1}}, [])

        assert move("verify").code == 0
        [flask] = db.packages.find()
        assert [one["name"] for one in flask["maintainers"]] == ["Anna", "Bob"]
        assert move("undo").code == move("undo").code == 0
        assert site_documents(db) == before


def test_of_two_who_gave_the_same_up_it_goes_to_whom_the_source_gives_it(
    ann_lacks: Lacking, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, execute = ann_lacks
    execute("UPDATE users SET username = CASE id WHEN 2 THEN 'cy' ELSE 'ann' END WHERE id IN (2, 3)")

    def register_when_it_is_free(*arguments: Any) -> None:
        write_all(*arguments)
        if not db.users.count_documents({"username": {"$in": ["ann", "cy"]}}):
            db.users.insert_many([{"name": "Fay", "username": "ann"}, {"name": "Gil", "username": "cy"}])

    with monkeypatch.context() as at_once:
        at_once.setattr(unique_values, "write_all", register_when_it_is_free)
        assert move("catch-up").code == 1
    execute("UPDATE users SET username = CASE id WHEN 2 THEN 'ann' ELSE 'cy' END WHERE id IN (2, 3)")
    assert caught_up(move)[1] == ["ann", "ann", "cy"]

    db.users.delete_one({"name": "Fay"})

    assert caught_up(move) == ({}, ["ann", "cy"])
    assert (usernames(db)["Ann"], usernames(db)["Bob"]) == (None, "ann")
    db.users.delete_many({"name": {"$in": ["Gil", "Eve"]}})
    assert caught_up(move) == ({"users": {"changed": 1}}, [])
    assert usernames(db) == {"Ann": "bob", "Bob": "ann", "Cy": "cy", "Dee": "dee"}
    assert move("verify").code == 0


@pytest.mark.parametrize("column", ["username", "email"])
@pytest.mark.parametrize("then", ["as it was", "as before", "deleted"])
def test_what_was_lost_in_a_swap_comes_back_whatever_the_source_says_by_then(
    target_uri: str, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, then: str
) -> None:
    field = {"username": "username", "email": "email_folded"}[column]
    statements = [
        "CREATE TABLE users (id integer, username text, email text)",
        "INSERT INTO users VALUES (1, 'ann', 'ann@x.org'), (2, 'bob', 'bob@x.org'), (3, 'cy', 'cy@x.org')",
    ]
    of = {"username": "{}", "email": "{}@x.org"}[column].format
    with old_database("sqlite", tmp_path, statements) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        before = site_documents(db)
        execute(f"UPDATE users SET {column} = CASE id WHEN 1 THEN '{of('bob')}' ELSE '{of('ann')}' END WHERE id < 3")
        eve = {"name": "Eve", field: of("bob"), **({"email": of("bob")} if column == "email" else {})}

        def register_when_it_is_free(*arguments: Any) -> None:
            write_all(*arguments)
            if not db.users.count_documents({field: of("bob")}):
                db.users.insert_one(dict(eve))

        with monkeypatch.context() as at_once:
            at_once.setattr(unique_values, "write_all", register_when_it_is_free)
            done = move("catch-up", "--json")
        assert (done.code, [one.partition(" (")[0] for one in done.report["conflicts"]]) == (1, ["users 1"])

        if then == "as before":
            execute("DELETE FROM users WHERE id < 3")
            execute("INSERT INTO users VALUES (1, 'ann', 'ann@x.org'), (2, 'bob', 'bob@x.org')")
        elif then == "deleted":
            execute("DELETE FROM users WHERE id = 1")
        planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")
        lost = {"as it was": ["users 1"], "as before": ["users 2", "users 1"], "deleted": []}[then]
        assert [one.partition(" (")[0] for one in done.report["conflicts"]] == lost
        assert planned.report["conflicts"] == done.report["conflicts"]
        assert planned.report["changes"] == done.report["changes"]

        db.users.delete_one({"name": "Eve"})
        planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")
        assert (planned.code, done.code) == (0, 0), done.out
        assert planned.report["changes"] == done.report["changes"]
        assert move("verify").code == 0
        caught_up = site_documents(db)
        assert not db.users.count_documents({"legacy.given_up": {"$exists": True}})
        assert then != "as before" or caught_up == before
        for _ in range(3):
            assert move("undo").code == 0
        assert site_documents(db) == before
        assert move("run", "--replace-existing").code == 0
        assert site_documents(db) == caught_up


@pytest.mark.parametrize(
    "statement",
    ["UPDATE users SET email = 'new@example.org' WHERE id = 2", "DELETE FROM users WHERE id = 2"],
)
def test_undo_does_not_silently_leave_out_an_address(target_uri: str, db: Db, tmp_path: Path, statement: str) -> None:
    with old_database("sqlite", tmp_path, ANN_AND_BOB) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        execute(statement)
        assert move("catch-up").code == 0
        db.users.insert_one(dict(EVE))
        caught_up = site_documents(db)

        planned, refused = move("undo", "--dry-run"), move("undo")
        would_lack = move("undo", "--dry-run", "--discard-changes")

        assert (planned.code, planned.err) == (refused.code, refused.err)
        assert (refused.code, "users 2" in refused.err, "(Eve) has the email address" in refused.err) == (3, True, True)
        assert site_documents(db) == caught_up
        assert (would_lack.code, f": {EVE_HAS_IT}" in would_lack.out) == (0, True)
        undone = move("undo", "--discard-changes")
        assert (
            undone.code,
            f"users 2 (bob): {EVE_HAS_IT}" in undone.out,
        ) == (0, True)
        assert addresses(db) == {"ann": "ann@example.org", "bob": None, None: "bob@example.org"}
        db.users.delete_one({"name": "Eve"})
        execute("DELETE FROM users WHERE id = 2")
        execute("INSERT INTO users VALUES (2, 'bob', 'bob@new.org')")
        assert move("catch-up").code == 0
        assert addresses(db) == {"ann": "ann@example.org", "bob": "bob@new.org"}


def test_rings_are_larger_than_what_is_written_together(mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST", 4)
    move = mover(some_rows() | {"users": [user(number) for number in range(20)]})
    assert move("run").code == 0
    before = site_documents(db)
    old_site_goes_on(move, "UPDATE users SET email = 'user' || ((id + 1) % 20) || '@example.org'")

    planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")

    assert (planned.code, done.code) == (0, 0), done.out
    assert planned.report["changes"] == done.report["changes"]
    found = [one["email_folded"] for one in db.users.find().sort("_id", 1)]
    assert found == [f"user{(number + 1) % 20}@example.org" for number in range(20)]
    assert move("undo").code == 0
    assert site_documents(db) == before


@pytest.mark.parametrize(
    ("here", "there", "conflicts"),
    [
        (None, {1: "bob@x.org", 2: "new@x.org"}, []),  # passed on
        (None, {1: "bob@x.org", 2: "ann@x.org"}, []),  # swapped
        (None, {1: "bob@x.org", 2: None}, []),  # the owner is gone
        (None, {1: "eve@x.org"}, [1]),  # registered here
        (None, {1: "eve@x.org", 2: "ann@x.org"}, [1, 2]),  # one waits for the other
        (2, {1: "bob@x.org", 2: "new@x.org"}, [1, 2]),  # the owner was edited here
        (2, {1: "bob@x.org", 2: None}, [1, 2]),
        (1, {1: "new@x.org", 2: "ann@x.org"}, [1, 2]),
        (2, {1: "cy@x.org", 3: "ann@x.org"}, []),
    ],
)
def test_dry_run_foresees_who_gets_what(
    target_uri: str, db: Db, tmp_path: Path, here: int | None, there: dict[int, str | None], conflicts: list[int]
) -> None:
    statements = [
        "CREATE TABLE users (id integer, name text, email text)",
        "INSERT INTO users VALUES (1, 'Ann', 'ann@x.org'), (2, 'Bob', 'bob@x.org'), (3, 'Cy', 'cy@x.org')",
    ]
    with old_database("sqlite", tmp_path, statements) as (url, execute):
        move = Mover(url, target_uri)
        assert move("run").code == 0
        db.users.insert_one({"name": "Eve", "email": "eve@x.org", "email_folded": "eve@x.org"})
        if here:
            db.users.update_one({"legacy.sql_id": here}, {"$set": {"name": "edited"}})
        for number, email in there.items():
            execute(f"UPDATE users SET email = '{email}' WHERE id = {number}")
            if email is None:
                execute(f"DELETE FROM users WHERE id = {number}")

        planned, done = move("catch-up", "--dry-run", "--json"), move("catch-up", "--json")

    assert planned.code == done.code == (1 if conflicts else 0)
    for name in ("changes", "conflicts", "conflict_count"):
        assert planned.report[name] == done.report[name]
    assert sorted(int(one.split()[1]) for one in done.report["conflicts"]) == conflicts


def test_user_without_what_only_one_may_have() -> None:
    fields = {"_id": 1, "username": "ada", "name": "Ada", "email_folded": "ada@example.org"}
    of_the_old_site = fields | {"legacy": {"sql_id": 7}}
    given_up = {"email_folded": "ada@example.org", "username": "ada"}

    bare, moved = (bson.decode(without_unique(bson.encode(one))) for one in (fields, of_the_old_site))

    assert bare == {"_id": 1, "name": "Ada", "legacy": {"given_up": given_up}}
    assert moved == {"_id": 1, "name": "Ada", "legacy": {"sql_id": 7, "given_up": given_up}}
    assert without_unique(bson.encode(bare)) == bson.encode(bare)
    assert without_unique(bson.encode({"_id": 1, "name": "Ada"})) == bson.encode({"_id": 1, "name": "Ada"})


def test_what_was_given_up_is_restored_but_not_what_was_changed_since() -> None:
    before = {"_id": 1, "username": "ada", "name": "Ada", "email": "A@x.org", "email_folded": "a@x.org"}
    bare = bson.decode(without_unique(bson.encode(before)))

    def restored_fields(fields: dict[str, Any], *names: str) -> dict[str, Any]:
        return bson.decode(restored(bson.encode(fields), *[names] if names else []))

    assert restored(bson.encode(bare)) == bson.encode(before)  # also in the same order
    assert restored_fields(bare | {"last_login": 7}) == before | {"last_login": 7}
    other = {"_id": 1, "username": "ada", "name": "Ada", "email": "b@x.org"}
    assert restored_fields(bare | {"email": "b@x.org"}) == other
    assert restored_fields(bare | {"username": "countess"}) == before | {"username": "countess"}
    lacks_address = restored_fields(bare, "username")
    assert lacks_address["legacy"] == {"given_up": {"email_folded": "a@x.org"}}
    assert "email_folded" not in lacks_address
    assert restored_fields(lacks_address) == before
    assert bson.decode(without_unique(bson.encode(lacks_address))) == bare
    for by_hand in ("?", {"given_up": "?"}):
        assert restored_fields(before | {"legacy": by_hand}) == before | {"legacy": by_hand}
