"""Who was switched off on another site stays switched off on this one, and its administrators stay administrators."""

import sqlite3
from pathlib import Path

import pytest
from flask import Flask
from passlib.hash import sha512_crypt

from tests.migrations_sql_to_mongo.conftest import Mover
from tests.people import browser
from webapp.documents import DOCUMENTS, User, ensure_indexes

pytestmark = pytest.mark.real_server

PASSWORD = "analytical engine"


def test_flags_of_another_site_take_effect(app: Flask, tmp_path: Path) -> None:
    app.extensions["limiter"].storage.reset()
    hashed = sha512_crypt.using(rounds=1000).hash(PASSWORD)  # type: ignore[no-untyped-call] # its stub's gap
    people = [(1, "on", 1, 1), (2, "off", 0, 1), (3, "unknown", None, 0), (4, "plain", 1, 0)]
    with sqlite3.connect(tmp_path / "site.sqlite") as site:
        site.execute("CREATE TABLE auth_user (id INTEGER, email TEXT, password TEXT, is_active INTEGER, chief INTEGER)")
        rows = [(n, f"{name}@example.org", hashed, active, chief) for n, name, active, chief in people]
        site.executemany("INSERT INTO auth_user VALUES (?, ?, ?, ?, ?)", rows)
    site.close()
    (tmp_path / "map.toml").write_text(
        '[users]\ntable = "auth_user"\ncolumns.hashed_password = "password"\ncolumns.is_admin = "chief"\n'
    )
    move = Mover(f"sqlite:///{tmp_path / 'site.sqlite'}", app.config["MONGODB_URI"])

    assert move("run", "--map", str(tmp_path / "map.toml")).code == 0

    answers = {name: browser(app).sign_in(f"{name}@example.org", PASSWORD).status_code for _, name, _, _ in people}
    chief = browser(app)
    chief.sign_in("on@example.org", PASSWORD)
    plain = browser(app)
    plain.sign_in("plain@example.org", PASSWORD)
    pages = chief.get("/admin/").status_code, plain.get("/admin/").status_code
    database = User._get_db()
    database.client.drop_database(database.name)
    ensure_indexes(DOCUMENTS)
    assert answers == {"on": 302, "off": 400, "unknown": 400, "plain": 302}
    assert pages[0] == 200
    assert pages[1] != 200
