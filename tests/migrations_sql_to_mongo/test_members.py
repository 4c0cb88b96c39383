"""People who had an account on the old site sign in on this one, after a move as an operator runs it."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from passlib.hash import sha512_crypt

from tests.conftest import SHARED_DATA
from tests.migrations_sql_to_mongo.conftest import Mover
from tests.migrations_sql_to_mongo.old_site import Rows, make_sqlite, some_rows, user
from tests.people import ANOTHER, browser, link_in, outbox
from webapp.documents import DOCUMENTS, Package, User, ensure_indexes
from webapp.members import passwords

pytestmark = pytest.mark.real_server

# As the README of the shared data says.
SHARED_PEOPLE = {
    "ada@example.org": "analytical engine",
    "grace@example.org": "nanoseconds matter",
    "linus@example.org": "just for fun",
}


@pytest.fixture
def move_from(app: Flask) -> Iterator[Callable[[str], None]]:
    """Move an old site into this one, which is as new afterwards."""
    app.extensions["limiter"].storage.reset()
    app.extensions["mailman"].outbox = []

    def run(source: str) -> None:
        move = Mover(source, app.config["MONGODB_URI"])
        assert (move("run").code, move("verify").code) == (0, 0)

    yield run
    database = User._get_db()
    database.client.drop_database(database.name)
    ensure_indexes(DOCUMENTS)


def old_hash(password: str) -> str:
    """A hash as the old site made them, at its full cost."""
    hashed: str = sha512_crypt.using(rounds=171_204).hash(password)  # type: ignore[no-untyped-call] # its stub's gap
    assert hashed.startswith("$6$rounds=171204$")
    return hashed


def no_old_hash_is_left() -> bool:
    return User.objects(hashed_password__startswith="$6$").count() == 0


def sign_in_with_old_password(app: Flask, email: str, password: str) -> None:
    """Sign in twice, by the old hash and by the one that replaced it; a wrong password does neither."""
    before = User.objects.get(email=email)
    assert before.hashed_password.startswith("$6$")

    assert browser(app).sign_in(email, f"{password}?").status_code == 400
    assert User.objects.get(email=email).hashed_password == before.hashed_password
    for _ in range(2):
        assert browser(app).sign_in(email, password).status_code == 302

    after = User.objects.get(email=email)
    assert after.hashed_password.startswith("$argon2id$")
    assert passwords.check(after.hashed_password, password).is_correct
    assert after.last_login != before.last_login


def test_person_of_the_old_site_signs_in_and_gets_a_new_hash(
    app: Flask, tmp_path_factory: pytest.TempPathFactory, move_from: Callable[[str], None]
) -> None:
    rows: Rows = some_rows() | {
        "users": [
            user(1, email="Ada@example.org", hashed_password=old_hash("analytical engine"), last_login=None),
            user(2, email="grace@example.org", hashed_password=old_hash("  nanoseconds, ümläute 🦊")),
        ]
    }
    move_from(make_sqlite(tmp_path_factory.mktemp("old") / "old.sqlite", rows))

    sign_in_with_old_password(app, "Ada@example.org", "analytical engine")
    sign_in_with_old_password(app, "grace@example.org", "  nanoseconds, ümläute 🦊")

    assert no_old_hash_is_left()


@pytest.mark.parametrize("hashed_password", [None, ""])
def test_person_without_a_password_gets_one_by_a_mail(
    app: Flask,
    tmp_path_factory: pytest.TempPathFactory,
    move_from: Callable[[str], None],
    hashed_password: str | None,
) -> None:
    rows = some_rows() | {"users": [user(1, email="linus@example.org", hashed_password=hashed_password), user(2)]}
    move_from(make_sqlite(tmp_path_factory.mktemp("old") / "old.sqlite", rows))
    visitor = browser(app)
    assert visitor.sign_in("linus@example.org", "").status_code == 400

    visitor.send("/account/forgotten", email="LINUS@example.org")
    visitor.send(link_in(outbox(app)[0]), password=ANOTHER)

    assert visitor.sign_in("linus@example.org", ANOTHER).status_code == 302


def test_shared_database_moves_and_its_three_people_sign_in(app: Flask, move_from: Callable[[str], None]) -> None:
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data is not here; the people above stand for those in it")
    move_from(f"sqlite:///{SHARED_DATA / 'pypi.sqlite'}")

    for email, password in SHARED_PEOPLE.items():
        sign_in_with_old_password(app, email, password)

    assert Package.objects.sum("release_count") == 3652
    assert not Package.objects(releases__version="0.0.0")
    assert no_old_hash_is_left()
