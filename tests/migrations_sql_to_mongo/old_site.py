"""Small databases of the old site: in SQLite, which takes any value anywhere, and on servers, which do not."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from migrations_sql_to_mongo.layout import TABLES

Rows = dict[str, list[dict[str, Any]]]

# The old site had no names of users, and no table of files.
NAMES = {
    table: [name for name in columns if name != "username"] for table, columns in TABLES.items() if table != "files"
}


def url_of(name: str, extension: str = ".tar.gz") -> str:
    """The address of a distribution file."""
    return f"https://files.example.org/packages/{name}{extension}"


def user(sql_id: Any = 1, **fields: Any) -> dict[str, Any]:
    """A row of `users`."""
    return {
        "id": sql_id,
        "name": f"User {sql_id}",
        "email": f"user{sql_id}@example.org",
        "hashed_password": "$6$rounds=171204$abc$def",
        "created_date": "2020-01-02 03:04:05.000000",
        "last_login": "2021-01-02 03:04:05.000000",
        "profile_image_url": None,
        **fields,
    }


def package(name: Any = "flask", **fields: Any) -> dict[str, Any]:
    """A row of `packages`."""
    return {
        "id": name,
        "created_date": "2010-04-16 14:30:00.000000",
        "summary": f"What {name} does",
        "description": "",
        "home_page": "https://example.org",
        "docs_url": None,
        "package_url": None,
        "author_name": "Ada",
        "author_email": "ada@example.org",
        "license": "BSD",
        **fields,
    }


def release(sql_id: Any = 1, name: Any = "flask", version: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    """A row of `releases`."""
    numbers = [int(part) if part.isdecimal() else None for part in version.split(".")[:3]]
    return {
        "id": sql_id,
        **dict(zip(("major_ver", "minor_ver", "build_ver"), [*numbers, 0, 0], strict=False)),
        "created_date": "2018-04-26 19:34:00.000000",
        "comment": "",
        "url": url_of(f"{name}-{version}"),
        "size": 1234,
        "package_id": name,
        **fields,
    }


def maintainer(user_id: Any = 1, package_id: Any = "flask") -> dict[str, Any]:
    """A row of `maintainers`."""
    return {"user_id": user_id, "package_id": package_id}


def label(name: Any = "BSD", **fields: Any) -> dict[str, Any]:
    """A row of `licenses`, `languages` or `auditing`."""
    return {"id": name, "created_date": "2019-01-01 00:00:00.000000", "description": f"about {name}", **fields}


def download(sql_id: Any = 1, **fields: Any) -> dict[str, Any]:
    """A row of `downloads`."""
    return {
        "id": sql_id,
        "created_date": "2022-01-01 00:00:00.000000",
        "package_id": "flask",
        "release_id": 1,
        "ip_address": "192.0.2.1",
        "user_agent": "pip/23",
        **fields,
    }


def some_rows() -> Rows:
    """A few rows in each table, nothing odd about them."""
    return {
        "licenses": [label("BSD"), label("MIT")],
        "languages": [label("Python")],
        "users": [user(1), user(2, email=None), user(3, email="")],
        "packages": [package("flask"), package("Zope.Interface", license="ZPL", description="Hello *there*.")],
        "releases": [release(1, version="1.0.0"), release(2, version="1.10.0"), release(3, "Zope.Interface", "4.0rc1")],
        "maintainers": [maintainer(1, "flask"), maintainer(2, "flask")],
        "downloads": [download(1), download(2, release_id=99)],
        "auditing": [label("audit-1")],
    }


def make_sqlite(path: Path, rows: Rows) -> str:
    """Write an SQLite file whose columns take anything, and return its URL."""
    db = sqlite3.connect(path)
    for table, columns in NAMES.items():
        # Columns without types keep values as they are given.
        kinds = ", ".join(f"{name} {'' if kind != 'text' else 'VARCHAR'}" for name, kind in _kinds(table, columns))
        db.execute(f"CREATE TABLE {table} ({kinds})")
        for row in rows.get(table, []):
            names = ", ".join(columns)
            marks = ", ".join(":" + name if not _is_raw(row[name]) else f"CAST(:{name} AS TEXT)" for name in columns)
            values = {name: row[name].value if _is_raw(row[name]) else row[name] for name in columns}
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    db.commit()
    db.close()
    return f"sqlite:///{path}"


def _kinds(table: str, columns: list[str]) -> list[tuple[str, str]]:
    return [(name, TABLES[table][name]) for name in columns]


class Raw:
    """Bytes that stand in a text column of SQLite, whatever they are."""

    def __init__(self, value: bytes) -> None:
        self.value = value


def _is_raw(value: Any) -> bool:
    return isinstance(value, Raw)


def metadata(schema: str | None = None) -> sa.MetaData:
    """The old site's tables as its ORM made them on a server."""
    made = sa.MetaData(schema=schema)
    types: dict[str, Any] = {
        "integer": sa.BigInteger,
        "key": sa.BigInteger,
        "date": sa.DateTime().with_variant(_mysql_datetime(), "mysql"),
    }
    for table, columns in NAMES.items():
        keys = {"maintainers": ("user_id", "package_id")}.get(table, ("id",))
        sa.Table(
            table,
            made,
            *[
                sa.Column(
                    name, _text(name) if kind == "text" else types[kind], primary_key=name in keys, autoincrement=False
                )
                for name, kind in _kinds(table, columns)
            ],
        )
    return made


def _text(name: str) -> Any:
    return sa.String(200) if name in ("id", "package_id") else sa.Text().with_variant(_mysql_text(), "mysql")


def _mysql_datetime() -> Any:
    from sqlalchemy.dialects.mysql import DATETIME

    return DATETIME(fsp=6)


def _mysql_text() -> Any:
    from sqlalchemy.dialects.mysql import LONGTEXT

    return LONGTEXT(charset="utf8mb4")


def fill_server(engine: sa.Engine, rows: Rows) -> None:
    """Make the tables on a server and fill them."""
    from datetime import datetime

    made = metadata()
    made.create_all(engine)
    with engine.begin() as connection:
        for name, table in made.tables.items():
            values = [
                {
                    key: datetime.fromisoformat(value) if value and TABLES[name][key] == "date" else value
                    for key, value in row.items()
                }
                for row in rows.get(name, [])
            ]
            for start in range(0, len(values), 1000):
                connection.execute(table.insert(), values[start : start + 1000])


def read_sqlite(path: Path) -> Rows:
    """Return all rows of an SQLite file of the old site."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    found = {
        table: [dict(row) for row in db.execute(f"SELECT {', '.join(NAMES[table])} FROM {table}")] for table in NAMES
    }
    db.close()
    return found


def release_rows() -> list[tuple[Any, ...]]:
    """Return rows of `releases` as most are, each with one or two values that are less usual."""
    usual: tuple[Any, ...] = (
        7,
        1,
        2,
        3,
        "2019-03-01 10:11:12.345000",
        "note",
        "https://x.org/a/flask-1.2.3.tar.gz",
        5,
        "flask",
    )
    less_usual: tuple[list[Any], ...] = (
        [0, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63],
        [0, -5, 2**31, None],
        [0],
        [2**40],
        [
            "1969-12-31 23:59:59.999",
            "2019-03-01",
            "2019-03-01T10:11:12+02:00",
            "2019-03-01 00:00:00.0001",
            "never",
            None,
        ],
        ["", "a\0b", "ä" * 700, "x" * 6000, "\udc80", None],
        [
            "https://x.org/flask-2.0rc1.tar.gz",
            "https://x.org/Flask-1.0.post1.zip",
            "https://x.org/flask-1.0-py3-none-any.whl",
            "https://x.org/flask-1.0+local.tar.gz",
            "https://x.org/other-9.tar.gz",
            "https://x.org/é/flask-1.0.tar.gz#sha256=0",
            "https://x.org/flask-final.tar.gz",
            "https://x.org/" + "y" * 6000 + "/flask-1.0.tar.gz",
            "",
            None,
        ],
        [0, -1, 2**63 - 1, 2**63, None],
        ["flask", "Flask", "fl.ask", ""],
    )
    places = [(place, value) for place, values in enumerate(less_usual) for value in values]
    found = [usual]
    for first in places:
        for second in places:
            row = list(usual)
            for place, value in (first, second):
                row[place] = value
            found.append(tuple(row))
    return found
