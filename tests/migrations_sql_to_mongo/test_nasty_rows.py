"""The rows that make other tools stumble, each with its right answer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from migrations_sql_to_mongo import copying, mapping, verify
from tests.migrations_sql_to_mongo.conftest import Mover, Outcome
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    Rows,
    label,
    maintainer,
    package,
    release,
    some_rows,
    url_of,
    user,
)

Make = Callable[[Rows], Mover]
Db = Database[dict[str, Any]]


def moved(make: Make, rows: Rows, *options: str) -> tuple[Mover, dict[str, Any], Outcome]:
    """Plan, run and verify; plan and run must agree, and verify must accept."""
    move = make(some_rows() | rows)
    planned = move("plan", "--json", *options)
    done = move("run", "--json", *options)
    assert done.code in (0, 1), done.err
    assert (planned.code, planned.report["tally"]) == (done.code, done.report["tally"])
    checked = move("verify", *options)
    assert checked.code == 0, checked.out
    return move, done.report["tally"]["tables"], done


def reasons(tables: dict[str, Any], table: str) -> dict[str, int]:
    """Why rows of a table were rejected, and how many."""
    return {one["text"]: one["count"] for one in tables[table]["reasons"]}


def remarks(tables: dict[str, Any], table: str) -> dict[str, int]:
    """The rules that were applied to rows of a table."""
    return {one["text"].partition(":")[0]: one["count"] for one in tables[table]["remarks"]}


def test_emails_that_differ_by_case_are_both_kept(mover: Make, db: Db) -> None:
    _, tables, done = moved(
        mover, {"users": [user(1, email="Ada@example.org"), user(2, email="ada@EXAMPLE.org "), user(3)]}
    )

    assert done.code == 0
    assert remarks(tables, "users") == {"email is another user's but for its case": 1}
    assert [one.get("email_folded") for one in db.users.find().sort("_id", 1)] == [
        "ada@example.org",
        None,
        "user3@example.org",
    ]
    assert db.users.count_documents({"email": "ada@EXAMPLE.org "}) == 1


def test_many_users_have_no_email(mover: Make, db: Db) -> None:
    moved(mover, {"users": [user(1, email=None), user(2, email=None), user(3, email=""), user(4, email="")]})

    assert db.users.count_documents({"email": None}) == 4


def test_orphan_releases_are_rejected_whole(mover: Make, tmp_path: Path) -> None:
    orphan = release(2, "gone")
    move, tables, _ = moved(mover, {"releases": [release(1), orphan, release(3, None, package_id=None)]})

    assert reasons(tables, "releases") == {"there is no such package": 1, "package_id is NULL": 1}
    move("plan", "--report", str(tmp_path))
    lines = (tmp_path / "rejects-releases.jsonl").read_text().splitlines()
    assert orphan in [json.loads(line)["row"] for line in lines]


def test_maintainer_without_a_user_loses_the_link_alone(mover: Make, db: Db) -> None:
    _, tables, _ = moved(
        mover,
        {
            "users": [user(1), user(2, name=Raw(b"\xff"))],
            "maintainers": [maintainer(1), maintainer(1), maintainer(2), maintainer(9), maintainer(1, "gone")],
        },
    )

    assert reasons(tables, "maintainers") == {
        "the same user twice": 1,
        "its user is rejected": 1,
        "there is no such user": 1,
        "there is no such package": 1,
    }
    assert len((db.packages.find_one({"_id": "flask"}) or {})["maintainers"]) == 1


def test_two_ids_that_become_one_name_are_rejected(mover: Make, db: Db) -> None:
    _, tables, _ = moved(
        mover,
        {
            "packages": [
                package("Foo_Bar"),
                package("foo.bar"),
                package("Fine_Name"),
                package("no name!"),
                package(None),
            ],
            "releases": [release(1, "Foo_Bar"), release(2, "Fine_Name"), release(3, "no name!")],
            "maintainers": [maintainer(1, "foo.bar")],
        },
    )

    assert reasons(tables, "packages") == {
        "id becomes the same name as another's": 2,
        "id is not a valid project name": 1,
        "id is NULL": 1,
    }
    assert reasons(tables, "releases") == {"its package is rejected": 2}
    assert reasons(tables, "maintainers") == {"its package is rejected": 1}
    assert [(one["_id"], one["name"]) for one in db.packages.find()] == [("fine-name", "Fine_Name")]


def test_several_releases_of_one_version_are_kept(mover: Make, db: Db) -> None:
    moved(mover, {"releases": [release(1), release(2, url=url_of("flask-1.0.0", ".zip")), release(3, url=None)]})

    releases = (db.packages.find_one({"_id": "flask"}) or {})["releases"]
    assert [one["version"] for one in releases] == ["1.0.0"] * 3
    assert {one["legacy"]["sql_id"] for one in releases} == {1, 2, 3}
    assert {file["filename"] for one in releases for file in one.get("files", [])} == {
        "flask-1.0.0.tar.gz",
        "flask-1.0.0.zip",
    }


def test_null_version_parts_stay_null(mover: Make, db: Db) -> None:
    nothing: dict[str, Any] = {"major_ver": None, "minor_ver": None, "build_ver": None}
    moved(mover, {"releases": [release(1, **nothing, url=url_of("flask-2004b")), release(2, **nothing, url=None)]})

    releases = (db.packages.find_one({"_id": "flask"}) or {})["releases"]
    assert [one["version"] for one in releases] == ["2004b", "0.0.0"]
    assert releases[0]["legacy"] == {"sql_id": 1, **nothing}


@pytest.mark.parametrize(
    ("value", "expected", "remark"),
    [
        ("yesterday", None, "created_date is not a date"),
        (1_577_934_245, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "created_date is a number"),
        ("0000-00-00 00:00:00", None, "created_date is not a date"),
        ("12020-01-01 00:00:00", None, "created_date is not a date"),
        (
            "2020-01-02 03:04:05.123456",
            datetime(2020, 1, 2, 3, 4, 5, 123000, tzinfo=UTC),
            "created_date lost its microseconds",
        ),
        (Raw(b"\xff"), None, "created_date is not a date"),
    ],
)
def test_odd_dates_follow_the_declared_rule(
    mover: Make, db: Db, value: Any, expected: datetime | None, remark: str
) -> None:
    _, tables, done = moved(
        mover,
        {
            "packages": [package(created_date=value)],
            "releases": [release(1, created_date=value)],
            "users": [user(1, created_date=value)],
            "downloads": [],
            "maintainers": [],
            "auditing": [label("a", created_date=value)],
        },
    )

    assert done.code == 0
    flask = db.packages.find_one() or {}
    assert remarks(tables, "packages") == remarks(tables, "releases") == remarks(tables, "users") == {remark: 1}
    assert flask.get("created_date") == flask["releases"][0].get("created_date") == expected
    if expected is None:
        kept = {"hex": "ff"} if isinstance(value, Raw) else value
        assert flask["legacy"]["created_date"] == flask["releases"][0]["legacy"]["created_date"] == kept
        assert (db.auditing.find_one() or {})["legacy"] == {"created_date": kept}


def test_bad_dates_reject_where_the_map_says_so(mover: Make, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[dates]\n"releases.created_date" = "reject"\n')

    _, tables, _ = moved(
        mover, {"releases": [release(1), release(2, created_date="soon")]}, "--map", str(tmp_path / "map.toml")
    )

    assert reasons(tables, "releases") == {"created_date is not a date": 1}


def test_naive_times_are_of_the_declared_zone(mover: Make, db: Db) -> None:
    moved(mover, {}, "--timezone", "Europe/Berlin", "--timezone", "users.created_date=America/New_York")

    assert (db.packages.find_one({"_id": "flask"}) or {})["created_date"].hour == 12
    assert (db.users.find_one() or {})["created_date"] == datetime(2020, 1, 2, 8, 4, 5, tzinfo=UTC)


def test_text_that_is_no_utf8_is_rejected_with_its_hex(mover: Make, db: Db, tmp_path: Path) -> None:
    move, tables, _ = moved(
        mover,
        {
            "packages": [package(), package("bad", summary=Raw(b"caf\xe9"))],
            "releases": [release(1), release(2, comment=Raw(b"\xed\xa0\x80")), release(3, "bad")],
            "users": [user(1), user(2, hashed_password=Raw(b"\xff\xfe"))],
            "maintainers": [],
        },
    )

    assert reasons(tables, "packages") == {"summary is not UTF-8": 1}
    assert reasons(tables, "releases") == {"comment is not UTF-8": 1, "its package is rejected": 1}
    assert reasons(tables, "users") == {"hashed_password is not UTF-8": 1}
    move("plan", "--report", str(tmp_path / "report"))
    written = "".join(path.read_text() for path in (tmp_path / "report").iterdir())
    assert '"hex": "636166e9"' in written
    assert "fffe" not in written


def test_text_of_a_named_codec_is_kept(mover: Make, db: Db) -> None:
    _, _, done = moved(
        mover,
        {"packages": [package(summary=Raw(b"caf\xe9"), description="ü")], "releases": [], "maintainers": []},
        "--encoding",
        "latin-1",
    )

    assert done.code == 0
    flask = db.packages.find_one() or {}
    assert (flask["summary"], flask["description"]) == ("café", "ü")


def test_nul_bytes_and_emoji_are_kept(mover: Make, db: Db) -> None:
    _, _, done = moved(mover, {"releases": [release(1, comment="a\0b🥫")]})

    assert done.code == 0
    assert (db.packages.find_one({"_id": "flask"}) or {})["releases"][0]["comment"] == "a\0b🥫"


def test_too_large_a_package_is_rejected_and_the_rest_copied(
    mover: Make, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "MAX_PACKAGE_BYTES", 20_000)
    monkeypatch.setattr(copying, "NEAR_LIMIT_BYTES", 16_000)

    _, tables, done = moved(
        mover,
        {
            "packages": [package(), package("large", summary="x" * 30_000), package("near", summary="x" * 17_000)],
            "releases": [release(1), release(2, "large"), *(release(3 + n, "many") for n in range(2))],
            "maintainers": [],
        },
    )

    assert reasons(tables, "packages") == {"its document would take more than 20,000 bytes": 1}
    assert reasons(tables, "releases")["its package is rejected"] == 1
    assert {one["name"] for one in done.report["tally"]["large"]} == {"large", "near"}
    assert db.packages.count_documents({}) == 2


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (2**64 * 1.0, "size does not fit into 64 bits"),
        ("12 MB", "size is not a whole number"),
        (1.5, "size is not a whole number"),
    ],
)
def test_impossible_sizes_are_rejected(mover: Make, size: Any, reason: str) -> None:
    _, tables, _ = moved(mover, {"releases": [release(1), release(2, size=size)]})

    assert reasons(tables, "releases") == {reason: 1}


def test_negative_sizes_are_kept_with_a_warning(mover: Make, db: Db) -> None:
    _, tables, done = moved(mover, {"releases": [release(1, size=-5)]})

    assert done.code == 0
    assert remarks(tables, "releases") == {"size is negative": 1}
    assert (db.packages.find_one({"_id": "flask"}) or {})["releases"][0]["size"] == -5


@pytest.mark.parametrize("hashed", [None, "", "   ", "md5$x", "$6$rounds=171204$" + "x" * 200, "plaintext secret"])
def test_password_hashes_are_copied_byte_for_byte_and_never_shown(
    mover: Make, db: Db, tmp_path: Path, hashed: str | None
) -> None:
    move = mover(some_rows() | {"users": [user(1, hashed_password=hashed), user(1, hashed_password=hashed)]})

    outputs = [
        move(name, "--report", str(tmp_path / "report"), *more) for name, more in (("plan", ()), ("run", ("--json",)))
    ]
    db.users.update_one({}, {"$set": {"hashed_password": "other secret"}})
    outputs.append(move("verify"))

    assert outputs[1].code == 1
    assert outputs[2].code == 3
    everything = "".join(one.out + one.err for one in outputs) + "".join(
        p.read_text() for p in (tmp_path / "report").iterdir()
    )
    for secret in ("other secret", *([hashed] if hashed and hashed.strip() else [])):
        assert secret not in everything.replace(str(move.source), "")


def test_ids_that_no_document_can_have_are_rejected(mover: Make, db: Db) -> None:
    _, tables, _ = moved(
        mover,
        {
            "users": [user(1), user(1), user(-1), user(None), user(1.5), user("")],
            "licenses": [label("BSD"), label("BSD"), label(None), label(b"\xff")],
            "releases": [release(1), release(None)],
            "maintainers": [],
        },
    )

    assert reasons(tables, "users") == {
        "id occurs twice": 1,
        "id is negative": 1,
        "id is NULL": 1,
        "id is not a whole number": 1,
        "id is empty": 1,
    }
    assert reasons(tables, "licenses") == {"id occurs twice": 1, "id is NULL": 1, "id is not UTF-8": 1}
    assert reasons(tables, "releases") == {"id is NULL": 1}


def test_usernames_that_two_users_have_are_kept_apart(mover: Make, db: Db, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[users]\ncolumns.username = "name"\n')

    moved(mover, {"users": [user(1, name="ada"), user(2, name="ada")]}, "--map", str(tmp_path / "map.toml"))

    assert [one.get("username") for one in db.users.find().sort("_id", 1)] == ["ada", None]


# Replaying


def replay(move: Mover, folder: Path, table: str, change: Callable[[dict[str, Any]], None], *options: str) -> Outcome:
    """Correct every row of a rejects file, and try them again."""
    path = folder / f"rejects-{table}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line["row"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return move("rejects", "replay", str(path), *options)


def test_second_row_of_one_id_is_rejected_and_its_description_is_nobodys(mover: Make, db: Db) -> None:
    _, tables, done = moved(mover, {"packages": [package(description="*one*"), package(description="*two*")]})

    assert (done.code, tables["packages"]["migrated"], tables["packages"]["rejected"]) == (1, 1, 1)
    assert [one["description"] for one in db.packages.find()] == ["*one*"]


def test_corrected_rows_are_moved_after_all(mover: Make, db: Db, tmp_path: Path) -> None:
    rows = {
        "users": [user(1), user(2, name=Raw(b"\xff"), hashed_password="$6$kept")],
        "packages": [package(), package("Foo_Bar", description="*hi*"), package("foo.bar")],
        "releases": [release(1), release(2, version="9.0.0", size="12 MB"), release(3, "Foo_Bar")],
        "maintainers": [maintainer(1), maintainer(2)],
    }
    move = mover(some_rows() | rows)
    assert move("run", "--report", str(tmp_path)).code == 1
    before = [entry["collections"] for entry in db.migrations.find({"state": "done"})]

    def call_it_grace(row: dict[str, Any]) -> None:
        row["name"] = "Grace"

    assert replay(move, tmp_path, "users", call_it_grace, "--dry-run").code == 1
    assert db.users.count_documents({}) == 1
    assert replay(move, tmp_path, "users", call_it_grace).code == 1
    grace = db.users.find_one({"name": "Grace"}) or {}
    assert grace["hashed_password"] == "$6$kept"
    # The link that was rejected with its user comes back by itself.
    assert [one["name"] for one in (db.packages.find_one({"_id": "flask"}) or {})["maintainers"]] == ["User 1", "Grace"]
    assert move("verify").code == 0

    assert replay(move, tmp_path, "releases", lambda row: row.update(size=12) if row["id"] == 2 else None).code == 1
    assert (db.packages.find_one({"_id": "flask"}) or {})["latest"]["version"] == "9.0.0"

    def rename(row: dict[str, Any]) -> None:
        row["id"] = {"foo.bar": "foo-other"}.get(row["id"], row["id"])

    assert replay(move, tmp_path, "packages", rename, "--report", str(tmp_path)).code == 0
    assert "hi" in (db.packages.find_one({"_id": "foo-bar"}) or {})["description_html"]
    assert db.packages.count_documents({}) == 3
    assert move("verify").code == 0
    assert [entry["collections"] for entry in db.migrations.find({"state": "done"})] != before
    assert move("undo").code == 0


def test_replay_does_not_overwrite_what_was_edited(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows() | {"releases": [release(1), release(2, size="12 MB")]})
    move("run", "--report", str(tmp_path))
    db.packages.update_one({"_id": "flask"}, {"$set": {"summary": "edited"}})

    refused = replay(move, tmp_path, "releases", lambda row: row.update(size=12))

    assert refused.code == 3
    assert "flask was changed on the site since the run" in refused.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "rejects.jsonl"),
        ("{}", "not a line of a rejects file"),
        ('{"_id": "users/1", "table": "users", "key": "1", "row": {}}', "too much or too little"),
    ],
)
def test_replay_of_something_else_is_refused(mover: Make, tmp_path: Path, content: str, complaint: str) -> None:
    move = mover(some_rows())
    move("run")
    (tmp_path / "rejects.jsonl").write_text(content + "\n")

    refused = move("rejects", "replay", str(tmp_path / "rejects.jsonl"))

    assert refused.code == 2
    assert complaint in refused.err


def test_verify_shares_no_mapping_code() -> None:
    theirs = {name for name in vars(mapping) if callable(getattr(mapping, name))}
    shared = {
        name
        for name in vars(verify)
        if getattr(getattr(verify, name), "__module__", "").endswith((".mapping", ".copying"))
    }

    assert theirs
    assert shared == set()
