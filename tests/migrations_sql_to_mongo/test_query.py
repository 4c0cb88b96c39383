"""What servers do in their own ways: keys of any type, references held equal, SQL_ASCII, tables that are views."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.migrations_sql_to_mongo.conftest import Db, Mover
from tests.migrations_sql_to_mongo.servers import empty_database, old_database

USERS = "(id {}, name varchar(80), email varchar(80))"
KEYS = [
    ("mysql", "bigint unsigned", "18446744073709551615", "000018446744073709551615", "18446744073709551615"),
    ("mysql", "decimal(20,0)", "12345678901234567890", "000012345678901234567890", "12345678901234567890"),
    ("postgresql", "numeric", "5", "000000000000000000000005", 5),
    ("postgresql", "uuid", "'11111111-2222-3333-4444-555555555555'", "00f", "11111111-2222-3333-4444-555555555555"),
    ("postgresql", "text", "'ann'", "00f", "ann"),
]


@pytest.mark.parametrize(("dialect", "sql_type", "key", "object_id", "sql_id"), KEYS)
def test_keys_of_any_type_lead_to_users(
    target_uri: str, db: Db, dialect: str, sql_type: str, key: str, object_id: str, sql_id: Any
) -> None:
    other = {"uuid": "'00000000-0000-0000-0000-000000000000'", "text": "'aa'"}.get(sql_type, "1")
    with empty_database(dialect) as server:
        server.execute(
            f"CREATE TABLE users {USERS.format(sql_type)}",
            f"INSERT INTO users VALUES ({other}, 'First', 'ADA@example.org'), ({key}, 'Second', 'ada@example.org')",
            "CREATE TABLE packages (id varchar(20), summary text)",
            "INSERT INTO packages VALUES ('flask', 'web')",
            f"CREATE TABLE maintainers (user_id {sql_type}, package_id varchar(20))",
            f"INSERT INTO maintainers VALUES ({key}, 'flask')",
        )
        move = Mover(server.url, target_uri)

        done, checked = move("run", "--json"), move("verify")

    assert (done.code, checked.code) == (0, 0), done.err + checked.out
    second = db.users.find_one({"name": "Second"}) or {}
    assert str(second["_id"]).startswith(object_id)
    assert second["legacy"] == {"sql_id": sql_id, "email_is_taken": True}
    [maintainer] = (db.packages.find_one("flask") or {})["maintainers"]
    assert (maintainer["user_id"], maintainer["name"]) == (second["_id"], "Second")
    [remark] = done.report["tally"]["tables"]["users"]["remarks"]
    assert remark["text"].startswith("email differs from another user's only in case")
    assert remark["examples"][0].endswith(f"ada@example.org, as user {other.strip(chr(39))}")


ODD_NUMBERS = [
    ("sqlite", "REAL", {"-3": -3, "1.5": "1.5", "2": 2, "1e30": "1000000000000000019884624838656"}),
    ("postgresql", "numeric", {"-3": -3, "1.50": "1.5", "2": 2, "1e30": f"{10**30}", "'NaN'": "NaN"}),
    ("postgresql", "double precision", {"-3": -3, "0.1": "0.1", "2": 2, "'Infinity'": "Infinity"}),
    ("mysql", "decimal(40,2)", {"-3": -3, "1.50": "1.5", "2": 2, "1e30": f"{10**30}"}),
    ("mysql", "double", {"-3": -3, "0.1": "0.1", "2": 2, "-2.5": "-2.5"}),
    ("mysql", "float", {"-3": -3, "16777216": 16777216, "2": 2, "16777218": 16777218}),
]


@pytest.mark.parametrize(("dialect", "sql_type", "keys"), ODD_NUMBERS, ids=[" ".join(one[:2]) for one in ODD_NUMBERS])
def test_numbers_of_any_kind_are_keys(
    target_uri: str, db: Db, tmp_path: Path, dialect: str, sql_type: str, keys: dict[str, Any]
) -> None:
    statements = [
        f"CREATE TABLE users (id {sql_type}, name varchar(80))",
        *(f"INSERT INTO users VALUES ({key}, 'user {number}')" for number, key in enumerate(keys)),
        "CREATE TABLE packages (id varchar(20), summary text)",
        "INSERT INTO packages VALUES ('flask', 'web')",
        f"CREATE TABLE maintainers (user_id {sql_type}, package_id varchar(20))",
        *(f"INSERT INTO maintainers VALUES ({key}, 'flask')" for key in keys),
        f"CREATE TABLE releases (id {sql_type}, package_id varchar(20), url varchar(80))",
        *(f"INSERT INTO releases VALUES ({key}, 'flask', 'https://x/flask-{n}.zip')" for n, key in enumerate(keys)),
        f"CREATE TABLE downloads (id {sql_type}, package_id varchar(20), release_id {sql_type})",
        *(f"INSERT INTO downloads VALUES ({key}, 'flask', {key})" for key in keys),
    ]
    with old_database(dialect, tmp_path, statements) as (url, execute):
        move = Mover(url, target_uri)

        outcomes = [move("plan"), move("run"), move("verify", "--compare", "all")]
        execute("UPDATE users SET name = 'another' WHERE id <> 2")
        outcomes += [move("catch-up"), move("catch-up", "--dry-run"), move("verify", "--compare", "all")]

    assert [one.code for one in outcomes] == [0] * 6, outcomes
    users = {one["legacy"]["sql_id"]: one for one in db.users.find()}
    package = db.packages.find_one("flask") or {}
    downloads = [*db.downloads.find()]
    assert {*users} == {*keys.values()}
    for key, user in users.items():
        is_shown = isinstance(key, int) and key >= 0
        assert str(user["_id"]).startswith(f"{key:024}" if is_shown else "00f" if key == "NaN" else "00e")
    assert {one["user_id"] for one in package["maintainers"]} == {one["_id"] for one in users.values()}
    assert {one["name"] for one in users.values()} == {"another", "user 2"}
    assert {one["legacy"]["sql_id"] for one in package["releases"]} == {*keys.values()}
    assert {one["legacy"]["release_id"] for one in downloads} == {*keys.values()}
    assert {one["legacy"].get("sql_id") or int(str(one["_id"])) for one in downloads} == {*keys.values()}
    assert {one["_id"] for one in downloads} == {*(one["_id"] for one in users.values())}


def test_users_who_are_no_number_are_rejected_with_their_links(target_uri: str, db: Db, tmp_path: Path) -> None:
    statements = [
        "CREATE TABLE users (id double precision, name varchar(80))",
        "INSERT INTO users VALUES ('NaN', 'a'), ('NaN', 'b'), (1, 'c')",
        "CREATE TABLE packages (id varchar(20), owner_id double precision)",
        "INSERT INTO packages VALUES ('flask', 'NaN')",
        "CREATE TABLE maintainers (user_id double precision, package_id varchar(20))",
        "INSERT INTO maintainers VALUES ('NaN', 'flask'), (1, 'flask')",
    ]
    with old_database("postgresql", tmp_path, statements) as (url, _):
        move = Mover(url, target_uri)
        outcomes = [move("plan"), move("run"), move("verify", "--compare", "all"), move("catch-up")]

    assert [one.code for one in outcomes] == [1, 1, 0, 1], outcomes
    [package] = db.packages.find()
    assert [one["name"] for one in package["maintainers"]] == ["c"]
    assert package["legacy"] == {"sql_id": "flask", "owner_id": "NaN"}


EQUAL = [
    ("mysql", "varchar(20) collate utf8mb4_general_ci", ["flask", "FLASK", "Flask "]),
    ("mysql", "varchar(20) character set latin1", ["flask", "Flask"]),
    ("postgresql", "citext", ["flask", "FLASK"]),
    ("postgresql", "char(20)", ["Flask", "Flask "]),
    ("postgresql", "text collate caseless", ["flask", "FLASK"]),
]


@pytest.mark.parametrize(("dialect", "sql_type", "references"), EQUAL)
def test_references_that_the_server_holds_equal_are_followed(
    target_uri: str, db: Db, dialect: str, sql_type: str, references: list[str]
) -> None:
    rows = ", ".join(f"({number}, '{text}')" for number, text in enumerate(references, start=1))
    with empty_database(dialect, "CHARACTER SET utf8mb4" if dialect == "mysql" else "") as server:
        if dialect == "postgresql":
            server.execute(
                "CREATE EXTENSION citext",
                "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            )
        server.execute(
            f"CREATE TABLE packages (id {sql_type} PRIMARY KEY, summary text)",
            "INSERT INTO packages VALUES ('Flask', 'web')",
            f"CREATE TABLE releases (id int, package_id {sql_type}, FOREIGN KEY (package_id) REFERENCES packages(id))",
            f"INSERT INTO releases VALUES {rows}",
        )
        move = Mover(server.url, target_uri)

        done, checked = move("run"), move("verify")

    assert (done.code, checked.code) == (0, 0), done.out + checked.out
    assert (db.packages.find_one("flask") or {})["release_count"] == len(references)


@pytest.mark.parametrize("theirs", ["text COLLATE NOCASE", "text COLLATE nocase PRIMARY KEY"])
@pytest.mark.parametrize("ours", ["text COLLATE NOCASE", "text"])
def test_references_that_sqlite_holds_equal_are_followed(
    tmp_path: Path, target_uri: str, db: Db, theirs: str, ours: str
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "site.sqlite")) as site:
        site.executescript(
            f"""
            PRAGMA foreign_keys = ON;
            CREATE TABLE users (id {theirs}, name text);
            CREATE UNIQUE INDEX one_user ON users (id);
            INSERT INTO users VALUES ('Ada', 'Ada L');
            CREATE TABLE packages (id {theirs}, summary text, owner_id {ours} REFERENCES users(id));
            CREATE UNIQUE INDEX one_package ON packages (id);
            INSERT INTO packages VALUES ('Flask', 'web', 'ada');
            CREATE TABLE releases (id integer, package_id {ours} REFERENCES packages(id), version text);
            INSERT INTO releases VALUES (1, 'flask', '1.0'), (2, 'FLASK', '2.0'), (3, 'Flask', '3.0');
            """
        )
    move = Mover(f"sqlite:///{tmp_path / 'site.sqlite'}", target_uri)

    done, checked = move("run"), move("verify")

    assert (done.code, checked.code) == (0, 0), done.out + checked.out
    flask = db.packages.find_one("flask") or {}
    assert [each["version"] for each in flask["releases"]] == ["3.0", "2.0", "1.0"]
    assert [(each["name"], each["role"]) for each in flask["maintainers"]] == [("Ada L", "owner")]


PAIRS_MAP = """
[users]
table = "users"
columns.id = ["tenant", "login"]
[packages]
table = "packages"
columns.owner_id = ["tenant", "login"]
[maintainers]
table = "maintainers"
columns.user_id = ["tenant", "login"]
[releases]
table = "releases"
columns.id = ["tenant", "name"]
[files]
table = "artifacts"
columns.release_id = ["tenant", "release_name"]
"""


def test_references_by_several_columns_that_the_server_holds_equal_are_followed(
    tmp_path: Path, target_uri: str, db: Db
) -> None:
    to_user = "FOREIGN KEY (tenant, login) REFERENCES users"
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE EXTENSION citext",
            "CREATE TABLE users (tenant int, login citext, name text, PRIMARY KEY (tenant, login))",
            "INSERT INTO users VALUES (7, 'Ada', 'Ada L'), (7, 'Bob/B', 'Bob')",
            f"CREATE TABLE packages (id text PRIMARY KEY, summary text, tenant int, login citext, {to_user})",
            "INSERT INTO packages VALUES ('flask', 'web', 7, 'ADA')",
            f"CREATE TABLE maintainers (package_id text, tenant int, login citext, {to_user})",
            "INSERT INTO maintainers VALUES ('flask', 7, 'bob/b')",
            """CREATE TABLE releases (tenant int, name citext, package_id text, version text,
               PRIMARY KEY (tenant, name))""",
            "INSERT INTO releases VALUES (7, 'One', 'flask', '1.0')",
            """CREATE TABLE artifacts (id int, tenant int, release_name citext, filename text,
               FOREIGN KEY (tenant, release_name) REFERENCES releases)""",
            "INSERT INTO artifacts VALUES (1, 7, 'ONE', 'flask-1.0.zip')",
        )
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text(PAIRS_MAP)
        mapped = ("--map", str(tmp_path / "map.toml"))

        done, checked = move("run", *mapped), move("verify", *mapped)

    assert (done.code, checked.code) == (0, 0), done.out + done.err + checked.out
    assert {one["legacy"]["sql_id"] for one in db.users.find()} == {"7/Ada", "/7/Bob~1B"}
    flask = db.packages.find_one("flask") or {}
    assert [(each["name"], each["role"]) for each in flask["maintainers"]] == [
        ("Ada L", "owner"),
        ("Bob", "maintainer"),
    ]
    assert "owner_id" not in flask.get("legacy", {})
    assert [each["filename"] for each in flask["releases"][0]["files"]] == ["flask-1.0.zip"]


def test_postgresql_in_sql_ascii_joins_text_in_several_encodings(tmp_path: Path, target_uri: str, db: Db) -> None:
    with empty_database("postgresql", "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0") as server:
        with psycopg.connect(server.url) as connection:
            connection.execute(
                rb"""
                SET client_encoding TO SQL_ASCII;
                CREATE TABLE users (id int, first text, second varchar(9), third bytea);
                INSERT INTO users VALUES (1, E'Jos\xe9', E'Zo\xc3\xab', '\xe9'), (2, NULL, 'Bob', NULL);
                CREATE TABLE packages (id text, summary text);
                INSERT INTO packages VALUES ('flask', 'web')
                """
            )
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text('[users]\ntable = "users"\ncolumns.name = ["first", "second", "third"]\n')
        options = ("--encoding", "latin-1", "--map", str(tmp_path / "map.toml"))

        done, checked = move("run", *options), move("verify", *options)

    assert (done.code, checked.code) == (0, 0), done.err + checked.out
    assert [one["name"] for one in db.users.find().sort("_id", 1)] == ["José Zoë é", "Bob"]


@pytest.mark.parametrize(("options", "name", "code"), [((), None, 1), (("--encoding", "latin-1"), "José", 0)])
def test_postgresql_in_sql_ascii(
    target_uri: str, db: Db, options: tuple[str, ...], name: str | None, code: int
) -> None:
    with empty_database("postgresql", "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0") as server:
        with psycopg.connect(server.url) as connection:  # SQLAlchemy cannot connect to such a database by itself
            connection.execute(
                rf"""
                SET client_encoding TO SQL_ASCII;
                CREATE TABLE users {USERS.format("int")};
                INSERT INTO users VALUES (1, E'Jos\xe9', 'j@example.org'), (2, E'Zo\xc3\xab', 'z@example.org');
                CREATE TABLE packages (id text, summary text);
                INSERT INTO packages VALUES ('flask', 'web')
                """.encode()
            )
        move = Mover(server.url, target_uri)

        done, checked = move("run", *options), move("verify", *options)

    assert (done.code, checked.code) == (code, 0), done.out + checked.out
    assert {one["legacy"]["sql_id"]: one["name"] for one in db.users.find()} == ({1: name} if name else {}) | {2: "Zoë"}


# The type of a role, what the map says of it, and how those of an administrator and of another user are written.
ROLES = [
    ("postgresql", "role", '"admin"', "'admin'", "'reader'"),
    ("postgresql", "role_of_ours", '["owner", "admin"]', "'admin'", "'reader'"),
    ("postgresql", "char(9)", '"admin"', "'admin'", "'reader'"),
    ("postgresql", "label", "5", "'5'", "'50'"),
    ("postgresql", "yes_or_no", "true", "true", "false"),
    ("postgresql", "boolean", "1", "true", "false"),
    ("mysql", "enum('admin', 'reader')", '"admin"', "'admin'", "'reader'"),
]


@pytest.mark.parametrize(("dialect", "sql_type", "wanted", "admin", "other"), ROLES)
def test_condition_on_a_column_of_any_type_is_met(
    tmp_path: Path, target_uri: str, db: Db, dialect: str, sql_type: str, wanted: str, admin: str, other: str
) -> None:
    with empty_database(dialect) as server:
        if dialect == "postgresql":
            server.execute(
                "CREATE TYPE role AS ENUM ('admin', 'owner', 'reader')",
                "CREATE DOMAIN role_of_ours AS role",
                "CREATE DOMAIN label AS text",
                "CREATE DOMAIN yes_or_no AS boolean",
            )
        server.execute(
            f"CREATE TABLE users (id int, name varchar(80), role {sql_type})",
            f"INSERT INTO users VALUES (1, 'Ada', {admin}), (2, 'Bob', {other}), (3, 'Cy', NULL)",
            f"CREATE TABLE packages (id varchar(20), summary varchar(20), holder {sql_type})",
            f"INSERT INTO packages VALUES ('flask', 'web', {admin}), ('jam', 'food', {other})",
        )
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text(
            f"""
            [users]
            table = "users"
            columns.is_admin = {{ column = "role", is = {wanted} }}
            [packages]
            table = "packages"
            where.holder = {wanted}
            """
        )
        mapped = ("--map", str(tmp_path / "map.toml"))

        done, checked = move("run", *mapped), move("verify", *mapped)

    assert (done.code, checked.code) == (0, 0), done.out + done.err + checked.out
    assert [(one["name"], one["is_admin"]) for one in db.users.find()] == [("Ada", True), ("Bob", False), ("Cy", False)]
    assert [one["name"] for one in db.packages.find()] == ["flask"]


BYTES = {"postgresql": ("bytea", r"'\x{}'"), "mysql": ("varbinary(40)", "x'{}'")}
BYTES_MAP = """
[users]
table = "people"
columns.id = ["tenant", "login"]
columns.name = ["title", "first"]
columns.is_admin = { column = "role", is = "admin" }
columns.profile_image_url = { column = "picture", prefix = "https://x/" }
[packages]
table = "packages"
where.state = "active"
columns.owner_id = ["owner_tenant", "owner_login"]
"""


@pytest.mark.parametrize(
    ("options", "names", "keepers", "code"),
    [
        ((), {"t/61": "Zoë Ada"}, {"flask": ["Zoë Ada"], "jam": []}, 1),
        (
            ("--encoding", "latin-1"),
            {"t/61": "Zoë Ada", "t/622fe9": "Zoë José"},
            {"flask": ["Zoë Ada"], "jam": ["Zoë José"]},
            0,
        ),
    ],
)
@pytest.mark.parametrize("dialect", sorted(BYTES))
def test_bytes_are_joined_as_the_text_that_they_are(
    tmp_path: Path,
    target_uri: str,
    db: Db,
    dialect: str,
    options: tuple[str, ...],
    names: dict[str, str],
    keepers: dict[str, list[str]],
    code: int,
) -> None:
    sql_type, literal = BYTES[dialect]
    ada, jose, a, b, admin, active = (
        literal.format(text.encode("latin-1").hex()) for text in ("Ada", "José", "a", "b/é", "admin", "active")
    )
    with empty_database(dialect, "CHARACTER SET utf8mb4" if dialect == "mysql" else "") as server:
        server.execute(
            f"""CREATE TABLE people (tenant varchar(9), login {sql_type}, title varchar(9), first {sql_type},
                role {sql_type}, picture {sql_type})""",
            f"INSERT INTO people VALUES ('t', {a}, 'Zoë', {ada}, {admin}, {a}), ('t', {b}, 'Zoë', {jose}, {a}, NULL)",
            f"""CREATE TABLE packages (id varchar(9), summary text, owner_tenant varchar(9), owner_login {sql_type},
                state {sql_type})""",
            f"INSERT INTO packages VALUES ('flask', 'web', 't', {a}, {active}), ('jam', 'food', 't', {b}, {active})",
            f"INSERT INTO packages VALUES ('gone', 'web', 't', {a}, {a})",
        )
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text(BYTES_MAP)
        mapped = ("--map", str(tmp_path / "map.toml"), *options)

        done, checked = move("run", *mapped), move("verify", *mapped)

    assert (done.code, checked.code) == (code, 0), done.out + done.err + checked.out
    found = {one["legacy"]["sql_id"]: one for one in db.users.find()}
    assert {key: one["name"] for key, one in found.items()} == names
    assert (found["t/61"]["is_admin"], found["t/61"]["profile_image_url"]) == (True, "https://x/a")
    packages = {one["_id"]: [each["name"] for each in one.get("maintainers", [])] for one in db.packages.find()}
    assert packages == keepers


@pytest.mark.parametrize("dialect", sorted(BYTES))
def test_bytes_are_no_part_of_a_joined_name(tmp_path: Path, target_uri: str, dialect: str) -> None:
    with empty_database(dialect) as server:
        server.execute(f"CREATE TABLE packages (vendor varchar(9), name {BYTES[dialect][0]})")
        (tmp_path / "map.toml").write_text('[packages]\ntable = "packages"\ncolumns.id = ["vendor", "name"]\n')

        refused = Mover(server.url, target_uri)("run", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert refused.err == (
        "Error: [packages] columns.id: a name can only be joined from columns of text, and vendor, name are not all "
        "text; make a view that converts the others, and name the view\n"
    )


TWO_SLASHES = """
[releases]
table = "releases"
columns.id = ["one", "two"]
columns.version = "version"
[files]
table = "artifacts"
columns.release_id = ["one", "two"]
columns.filename = "filename"
"""


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_slashes_in_keys_of_several_columns_do_not_mix_rows_up(
    tmp_path: Path, target_uri: str, db: Db, dialect: str
) -> None:
    keys = [("p/q", "r", "1.0"), ("p", "q/r", "2.0"), ("~", "/", "3.0"), ("~1", "~", "4.0")]
    statements = [
        "CREATE TABLE packages (id varchar(20), summary varchar(20))",
        "INSERT INTO packages VALUES ('flask', 'web')",
        "CREATE TABLE releases (one varchar(9), two varchar(9), package_id varchar(20), version varchar(9))",
        "CREATE TABLE artifacts (id integer, one varchar(9), two varchar(9), filename varchar(40))",
        *(f"INSERT INTO releases VALUES ('{one}', '{two}', 'flask', '{version}')" for one, two, version in keys),
        *(
            f"INSERT INTO artifacts VALUES ({number}, '{one}', '{two}', 'flask-{version}.zip')"
            for number, (one, two, version) in enumerate(keys)
        ),
    ]
    (tmp_path / "map.toml").write_text(TWO_SLASHES)
    mapped = ("--map", str(tmp_path / "map.toml"))
    with contextlib.ExitStack() as stack:
        if dialect == "sqlite":
            url = f"sqlite:///{tmp_path / 'site.sqlite'}"
            with contextlib.closing(sqlite3.connect(tmp_path / "site.sqlite")) as site:
                site.executescript(";".join(statements))
        else:
            server = stack.enter_context(empty_database(dialect))
            server.execute(*statements)
            url = server.url
        move = Mover(url, target_uri)

        done, checked = move("run", *mapped), move("verify", *mapped)

    assert (done.code, checked.code) == (0, 0), done.out + done.err + checked.out
    releases = (db.packages.find_one("flask") or {})["releases"]
    assert [(one["legacy"]["sql_id"], [each["filename"] for each in one["files"]]) for one in releases] == [
        ("~1/~", ["flask-4.0.zip"]),
        ("/~0/~1", ["flask-3.0.zip"]),
        ("/p/q~1r", ["flask-2.0.zip"]),
        ("/p~1q/r", ["flask-1.0.zip"]),
    ]


# The types of a user's id and names; the keys of the users and what they are called.
NAMES = [
    ("int", "bytea", "mood", {"1": ("'Ada'", "NULL"), "2": ("NULL", "'fine'"), "3": ("NULL", "NULL")}),
    ("int", "mood", "bytea", {"1": ("'fine'", "'a'"), "2": ("NULL", r"'\x7a6fc3ab'"), "3": ("NULL", "NULL")}),
    ("int", "jsonb", "text", {"1": ("""'"Ada"'""", "'a'"), "2": ("'null'", "'bob'"), "3": ("NULL", "NULL")}),
    ("bytea", "text[]", "text", {"'1'": ("""'{Ada,L}'""", "'a'"), "'2'": ("NULL", "'bob'"), "'3'": ("NULL", "NULL")}),
]
CALLED = [["Ada", "fine", None], ["fine", "zoë", None], ["Ada", "bob", None], ["Ada, L", "bob", None]]


@pytest.mark.parametrize("key", ["", "PRIMARY KEY"])
@pytest.mark.parametrize(("columns", "called"), [*zip(NAMES, CALLED, strict=True)])
def test_names_of_any_type_reach_the_projects(
    target_uri: str, db: Db, key: str, columns: tuple[str, str, str, dict[str, tuple[str, str]]], called: list[str]
) -> None:
    id_type, name_type, username_type, users = columns
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE TYPE mood AS ENUM ('fine', 'bad')",
            f"CREATE TABLE users (id {id_type} {key}, name {name_type}, username {username_type})",
            *(f"INSERT INTO users VALUES ({each}, {name}, {username})" for each, (name, username) in users.items()),
            f"CREATE TABLE packages (id text, summary text, owner_id {id_type})",
            *(f"INSERT INTO packages VALUES ('p{number}', 'web', {each})" for number, each in enumerate(users)),
            f"CREATE TABLE maintainers (user_id {id_type}, package_id text)",
            *(f"INSERT INTO maintainers VALUES ({each}, 'p0')" for each in users),
        )
        move = Mover(server.url, target_uri)

        done, checked = move("run"), move("verify")

    assert (done.code, checked.code) == (0, 0), done.out + done.err + checked.out
    first, *others = db.packages.find().sort("_id", 1)
    assert [(each.get("name"), each["role"]) for each in first["maintainers"]] == [
        (called[0], "owner"),
        (called[1], "maintainer"),
        (called[2], "maintainer"),
    ]
    assert [[each.get("name") for each in one["maintainers"]] for one in others] == [[called[1]], [called[2]]]


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_names_are_found_where_another_id_occurs_twice(target_uri: str, db: Db, dialect: str) -> None:
    with empty_database(dialect) as server:
        server.execute(
            "CREATE TABLE users (id int, name varchar(9))",
            "INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob'), (2, 'Cy')",
            "CREATE TABLE packages (id varchar(9), summary varchar(9), owner_id int)",
            "INSERT INTO packages VALUES ('flask', 'web', 1), ('jam', 'food', 2)",
        )
        move = Mover(server.url, target_uri)

        done, checked = move("run"), move("verify")

    assert (done.code, checked.code) == (1, 0), done.out + done.err + checked.out
    assert [(one["_id"], one.get("maintainers", [{}])[0].get("name")) for one in db.packages.find().sort("_id", 1)] == [
        ("flask", "Ada"),
        ("jam", None),
    ]


OWNERS = (
    "CREATE TABLE users (id int PRIMARY KEY, town text, login varchar(9) UNIQUE, number int UNIQUE)",
    "INSERT INTO users VALUES (1, 'ann', 'ann', 7), (2, 'York', 'bob', 8)",
    "CREATE TABLE packages (id varchar(9), summary text, owner_id {})",
    "INSERT INTO packages VALUES ('flask', 'web', {}), ('jam', 'food', NULL)",
)
ADVICE = {
    "'ann'": 'join them: joins = ["owner_id -> users.login"], columns.owner_id = "users.id"',
    "'york'": "no column of users has the same values: make a view that finds users.id, and name the view",
}


@pytest.mark.parametrize(
    ("dialect", "sql_type"), [("postgresql", "citext"), ("mysql", "varchar(9) COLLATE utf8mb4_bin")]
)
@pytest.mark.parametrize("owner", list(ADVICE))
def test_advice_leads_to_the_column_with_the_same_values(
    tmp_path: Path, target_uri: str, db: Db, dialect: str, sql_type: str, owner: str
) -> None:
    with empty_database(dialect, "CHARACTER SET utf8mb4" if dialect == "mysql" else "") as server:
        if dialect == "postgresql":
            server.execute("CREATE EXTENSION citext")
        server.execute(*(one.format(owner if "VALUES" in one else sql_type) for one in OWNERS))
        move = Mover(server.url, target_uri)
        (tmp_path / "map.toml").write_text(
            '[packages]\ntable = "packages"\njoins = ["owner_id -> users.login"]\ncolumns.owner_id = "users.id"\n'
            '[users]\ntable = "users"\ncolumns.username = "login"\n'
        )

        refused, done = move("run"), move("run", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert refused.err == (
        "Error: [packages] columns.owner_id: packages.owner_id holds text, but users are known by users.id, which "
        f"holds numbers; {ADVICE[owner]}\n"
    )
    assert done.code == 0, done.err
    names = [each["name"] for each in (db.packages.find_one("flask") or {}).get("maintainers", [])]
    assert names == (["ann"] if owner == "'ann'" else [])


def test_numbers_are_led_to_the_column_of_numbers(target_uri: str) -> None:
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE TABLE packages (number int PRIMARY KEY, id text, rank int)",
            "INSERT INTO packages VALUES (5, 'flask', 1)",
            "CREATE TABLE releases (id int, package_id int)",
            "INSERT INTO releases VALUES (1, 5)",
        )

        refused = Mover(server.url, target_uri)("run")

    assert refused.code == 2
    assert refused.err.endswith(
        'join them: joins = ["package_id -> packages.number"], columns.package_id = "packages.id"\n'
    )


WRONG = [
    ("citext", "'ann'", 'joins = ["owner_id -> users.id"]', "posint = citext"),
    ("bytea", "'1'", "", "posint = bytea"),
    ("uuid", "NULL", "", "posint = text"),
    ("int", "1", "where.summary = true", "text = integer"),
]


@pytest.mark.parametrize(("sql_type", "owner", "line", "why"), WRONG)
def test_comparison_that_the_server_refuses_stops_the_start(
    tmp_path: Path, target_uri: str, db: Db, sql_type: str, owner: str, line: str, why: str
) -> None:
    with empty_database("postgresql") as server:
        server.execute(
            "CREATE EXTENSION citext",
            "CREATE DOMAIN posint AS int CHECK (value > 0)",
            "CREATE TABLE users (id posint PRIMARY KEY, name text)",
            f"CREATE TABLE packages (id text, summary text, owner_id {sql_type})",
            f"INSERT INTO packages VALUES ('flask', 'web', {owner})",
        )
        column = "users.id" if line.startswith("joins") else "owner_id"
        (tmp_path / "map.toml").write_text(f'[packages]\ntable = "packages"\n{line}\ncolumns.owner_id = "{column}"\n')

        refused = Mover(server.url, target_uri)("run", "--map", str(tmp_path / "map.toml"))

    assert refused.code == 2
    assert refused.err == (
        f"Error: [packages] packages cannot be read like this: operator does not exist: {why}; columns that are joined "
        "or compared must have one type: correct the map, or name a view that converts one of them\n"
    )
    assert db.list_collection_names() == []
