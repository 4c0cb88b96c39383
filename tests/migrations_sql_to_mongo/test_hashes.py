"""Password hashes that sign nobody in after the move are counted by their scheme, and never shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from migrations_sql_to_mongo.hashes import unverifiable
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Rows, some_rows, user

# What other software made: see tests/members/hashes.txt.
LINES = (Path(__file__).parents[1] / "members" / "hashes.txt").read_text("utf-8").splitlines()[1:]
MADE = [line.split("\t") for line in LINES]
HEX_SHA256 = "5e884898da28047151d0e56f8dc6292773603d0d6aabbd62a11ef721d1542d8"


@pytest.mark.parametrize(("software", "stored"), [(one[0], one[2]) for one in MADE])
def test_hash_that_signs_somebody_in_is_not_counted(software: str, stored: str) -> None:
    is_weak = software == "hashlib" or stored.startswith("md5$")

    assert (unverifiable(stored) or "").endswith(", weak") is is_weak
    assert is_weak or unverifiable(stored) is None


@pytest.mark.parametrize(
    ("stored", "scheme"),
    [
        ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "LDAP's SSHA"),
        ("$P$B12345678abcdefghijklmnopqrstu/", "phpass"),
        ("$y$j9T$abc$def", "yescrypt"),
        (f"{HEX_SHA256}8", "64 hex digits, like SHA-256"),
        ("a" * 96, "96 hex digits, like SHA-384"),
        ("a" * 128, "128 hex digits, like SHA-512"),
        ("a" * 97, "no known scheme"),
        ("!kmG8lvQ", "a mark of no usable password"),
        ("hunter2", "no known scheme"),
        ("my$password", "no known scheme"),
    ],
)
def test_scheme_is_named_without_a_part_of_the_hash(stored: str, scheme: str) -> None:
    assert unverifiable(stored) == scheme


def test_plan_and_run_count_hashes_by_scheme(mover: Callable[[Rows], Mover]) -> None:
    hashes = ["{SSHA}one", "{SSHA}two", "hunter2", "5f4dcc3b5aa765d61d8327deb882cf99", "$6$rounds=5000$a$b", None]
    rows = [user(number, hashed_password=stored) for number, stored in enumerate(hashes, start=1)]
    move = mover(some_rows() | {"users": rows})

    planned, done = move("plan"), move("run")

    for said in (planned.out, done.out):
        found = [line for line in said.splitlines() if "hashed_password" in line]
        assert [line.partition("(for example")[0] for line in found] == [
            "- users: 2 x hashed_password cannot be verified here (LDAP's SSHA): a new password by mail ",
            "- users: 1 x hashed_password cannot be verified here (no known scheme): a new password by mail ",
            "- users: 1 x hashed_password cannot be verified here (hex_md5, weak): a new password by mail ",
        ]
        assert not [stored for stored in ("hunter2", "SSHA}o", "5f4d") if stored in said]
