"""People who had an account on the old site sign in on this one, after a move as an operator runs it."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from passlib.hash import sha512_crypt

from tests.conftest import SHARED_DATA
from tests.migrations_sql_to_mongo.conftest import Mover, old_site_goes_on
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
def move_from(app: Flask) -> Iterator[Callable[[str], Mover]]:
    """Move an old site into this one, which is as new afterwards."""
    app.extensions["limiter"].storage.reset()
    app.extensions["mailman"].outbox = []

    def run(source: str) -> Mover:
        move = Mover(source, app.config["MONGODB_URI"])
        assert (move("run").code, move("verify").code) == (0, 0)
        return move

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
    app: Flask, tmp_path_factory: pytest.TempPathFactory, move_from: Callable[[str], Mover]
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


FIRST, SECOND = "analytical engine, first", "analytical engine, second"


def cheap_hash(password: str) -> str:
    hashed: str = sha512_crypt.using(rounds=1000).hash(password)  # type: ignore[no-untyped-call] # its stub's gap
    return hashed


@pytest.fixture
def moved(tmp_path_factory: pytest.TempPathFactory, move_from: Callable[[str], Mover]) -> Mover:
    """A move that Ada came with."""
    ada = user(1, email="ada@example.org", hashed_password=cheap_hash(FIRST))
    rows: Rows = some_rows() | {"users": [ada], "maintainers": []}
    return move_from(make_sqlite(tmp_path_factory.mktemp("old") / "old.sqlite", rows))


def test_password_that_the_old_site_changes_after_a_sign_in_here_is_carried_over(app: Flask, moved: Mover) -> None:
    ada = browser(app)
    assert ada.sign_in("ada@example.org", FIRST).status_code == 302
    old_site_goes_on(moved, f"UPDATE users SET hashed_password = '{cheap_hash(SECOND)}'")

    done = moved("catch-up", "--json")

    assert (done.code, done.report["changes"]) == (0, {"users": {"changed": 1}})
    assert not ada.is_signed_in()
    assert browser(app).sign_in("ada@example.org", FIRST).status_code == 400
    assert browser(app).sign_in("ada@example.org", SECOND).status_code == 302
    # Another time, after a sign-in with the new one.
    old_site_goes_on(moved, f"UPDATE users SET hashed_password = '{cheap_hash(ANOTHER)}'")
    assert moved("catch-up").code == 0
    assert browser(app).sign_in("ada@example.org", ANOTHER).status_code == 302
    rehashed = User.objects.get().rehashed
    assert rehashed.before not in moved("verify").out


def test_sign_in_alone_keeps_its_hash_and_its_session(app: Flask, moved: Mover) -> None:
    ada = browser(app)
    assert ada.sign_in("ada@example.org", FIRST).status_code == 302
    before = User.objects.get()
    old_site_goes_on(moved, "UPDATE users SET name = 'Ada L.'")

    assert moved("catch-up").code == 0

    after = User.objects.get()
    assert (after.name, after.hashed_password, after.rehashed) == ("Ada L.", before.hashed_password, before.rehashed)
    assert ada.is_signed_in()


def test_password_that_was_changed_on_both_sites_stays_a_conflict(app: Flask, moved: Mover) -> None:
    ada = browser(app)
    assert ada.sign_in("ada@example.org", FIRST).status_code == 302
    response = ada.send("/account/password", password=FIRST, new_password=ANOTHER)
    assert response.status_code == 302
    old_site_goes_on(moved, f"UPDATE users SET hashed_password = '{cheap_hash(SECOND)}'")

    done = moved("catch-up", "--json")

    [conflict] = done.report["conflicts"]
    assert conflict.endswith("was edited on this site since it was moved")
    assert browser(app).sign_in("ada@example.org", ANOTHER).status_code == 302
    assert browser(app).sign_in("ada@example.org", SECOND).status_code == 400


def test_user_who_was_deleted_and_created_again_on_the_old_site_gets_its_password(app: Flask, moved: Mover) -> None:
    assert browser(app).sign_in("ada@example.org", FIRST).status_code == 302
    old_site_goes_on(moved, "CREATE TABLE gone AS SELECT * FROM users", "DELETE FROM users")
    assert moved("catch-up").code == 1
    old_site_goes_on(
        moved, "INSERT INTO users SELECT * FROM gone", f"UPDATE users SET hashed_password = '{cheap_hash(SECOND)}'"
    )

    done = moved("catch-up", "--json")

    assert (done.code, done.report["changes"]) == (0, {"users": {"changed": 1}})
    assert browser(app).sign_in("ada@example.org", SECOND).status_code == 302


@pytest.mark.parametrize("hashed_password", [None, ""])
def test_person_without_a_password_gets_one_by_a_mail(
    app: Flask,
    tmp_path_factory: pytest.TempPathFactory,
    move_from: Callable[[str], Mover],
    hashed_password: str | None,
) -> None:
    rows = some_rows() | {"users": [user(1, email="linus@example.org", hashed_password=hashed_password), user(2)]}
    move_from(make_sqlite(tmp_path_factory.mktemp("old") / "old.sqlite", rows))
    visitor = browser(app)
    assert visitor.sign_in("linus@example.org", "").status_code == 400

    visitor.send("/account/forgotten", email="LINUS@example.org")
    visitor.send(link_in(outbox(app)[0]), password=ANOTHER)

    assert visitor.sign_in("linus@example.org", ANOTHER).status_code == 302


def test_shared_database_moves_and_its_three_people_sign_in(app: Flask, move_from: Callable[[str], Mover]) -> None:
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data is not here; the people above stand for those in it")
    move_from(f"sqlite:///{SHARED_DATA / 'pypi.sqlite'}")

    for email, password in SHARED_PEOPLE.items():
        sign_in_with_old_password(app, email, password)

    assert Package.objects.sum("release_count") == 3652
    assert not Package.objects(releases__version="0.0.0")
    assert no_old_hash_is_left()
