"""The rows that make other tools stumble, each with its right answer."""

import json
from pathlib import Path

import pytest

from migrations_sql_to_mongo import copying
from tests.migrations_sql_to_mongo.conftest import Db, Make, moved, reasons, remarks
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    maintainer,
    package,
    release,
    some_rows,
    url_of,
    user,
)


def test_emails_that_differ_by_case_are_both_kept(mover: Make, db: Db) -> None:
    _, tables, done = moved(
        mover, {"users": [user(1, email="Ada@example.org"), user(2, email="ada@EXAMPLE.org "), user(3)]}
    )

    assert done.code == 0
    assert remarks(tables, "users") == {"email differs from another user's only in case": 1}
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


def test_several_releases_of_one_version_are_kept(mover: Make, db: Db) -> None:
    moved(mover, {"releases": [release(1), release(2, url=url_of("flask-1.0.0", ".zip")), release(3, url=None)]})

    releases = (db.packages.find_one({"_id": "flask"}) or {})["releases"]
    assert [one["version"] for one in releases] == ["1.0.0"] * 3
    assert {one["legacy"]["sql_id"] for one in releases} == {1, 2, 3}
    assert {file["filename"] for one in releases for file in one.get("files", [])} == {
        "flask-1.0.0.tar.gz",
        "flask-1.0.0.zip",
    }


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


def test_what_the_new_site_keeps_of_people_is_never_shown(mover: Make, db: Db, tmp_path: Path) -> None:
    move = mover(some_rows())
    assert move("run").code == 0
    nested = {
        "sessions": [{"session_id": "canary", "id_token": "canary", "ip_address": "canary", "user_agent": "canary"}],
        "second_factors": [{"factor_id": "canary", "secret": "canary", "public_key": "canary", "name": "canary"}],
        "recovery_codes": [{"digest": "canary"}],
        "identity": {"issuer": "canary", "subject": "canary", "email": "canary"},
        "hashed_password": "canary",
    }
    invitations = {"invitations": [{"invitation_id": "canary", "email": "canary"}]}
    db.users.update_one({}, {"$set": nested}, bypass_document_validation=True)
    db.packages.update_one({}, {"$set": invitations}, bypass_document_validation=True)

    checked = move("verify", "--report", str(tmp_path))

    assert checked.code == 3
    assert "second_factors is not in the source: 1 entry" in checked.out
    everything = checked.out + checked.err + "".join(path.read_text() for path in tmp_path.glob("report.*"))
    assert "canary" not in everything


def test_second_row_of_one_id_is_rejected_and_its_description_is_nobodys(mover: Make, db: Db) -> None:
    _, tables, done = moved(mover, {"packages": [package(description="*one*"), package(description="*two*")]})

    assert (done.code, tables["packages"]["migrated"], tables["packages"]["rejected"]) == (1, 1, 1)
    assert [one["description"] for one in db.packages.find()] == ["*one*"]
