"""Text of the source as its encoding says."""

from pathlib import Path

from tests.migrations_sql_to_mongo.conftest import Db, Make, moved, reasons
from tests.migrations_sql_to_mongo.old_site import (
    Raw,
    package,
    release,
    user,
)


def test_text_that_is_no_utf8_is_rejected_with_its_hex(mover: Make, db: Db, tmp_path: Path) -> None:
    move, tables, _ = moved(
        mover,
        {
            "packages": [package(), package("bad", summary=Raw(b"caf\xe9"))],
            "releases": [release(1), release(2, comment=Raw(b"\xed\xa0\x80")), release(3, "bad")],
            "users": [user(1), user(2, hashed_password=Raw(b"\xff\xfe\xfd\xfc\xfb\xfa"))],
            "maintainers": [],
        },
    )

    assert reasons(tables, "packages") == {"summary is not UTF-8": 1}
    assert reasons(tables, "releases") == {"comment is not UTF-8": 1, "its package is rejected": 1}
    assert reasons(tables, "users") == {"hashed_password is not UTF-8": 1}
    move("plan", "--report", str(tmp_path / "report"))
    written = "".join(path.read_text() for path in (tmp_path / "report").iterdir())
    assert '"hex": "636166e9"' in written
    assert "fffefdfcfbfa" not in written


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
