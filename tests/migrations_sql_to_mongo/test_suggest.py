"""Schemas that people have, each from `map suggest` to `verify`; what must come of them is written by hand."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64, ObjectId
from pymongo.database import Database

from tests.migrations_sql_to_mongo.conftest import Site
from tests.migrations_sql_to_mongo.suggested import DJANGO, A, B, C, Document

Db = Database[dict[str, Any]]
MD5 = "d" * 32


def lines_of(content: str) -> list[str]:
    """A map without its comments."""
    return [line for line in content.splitlines() if line and not line.startswith("#")]


def found(db: Db, collection: str) -> list[Document]:
    """The documents of a collection without what follows from the rest."""
    documents = list(db[collection].find().sort("_id", 1))
    for document in documents:
        for name in ("description_html", "description_renderer", "updated_date", "newest_release", "latest"):
            document.pop(name, None)
        for release in document.get("releases", []):
            del release["sort_key"]
    return documents


def on(day: int, hour: int = 0) -> datetime:
    """A day of January 2021."""
    return datetime(2021, 1, day, hour, tzinfo=UTC)


def number(sql_id: int) -> ObjectId:
    """The `_id` of a row with a number."""
    return ObjectId(f"{sql_id:024d}")


def with_url(suggested: str, line: str) -> str:
    """The map with the line about the files' address that a person adds to it."""
    return re.sub(r"^# if the files are on the web: .*$", line, suggested, flags=re.MULTILINE)


def test_django_site_with_an_application_for_packages(old_site: Callable[[str], Site], db: Db) -> None:
    django = old_site(DJANGO)

    suggested = django.suggested()

    assert lines_of(suggested) == [
        "[users]",
        'table = "auth_user"',
        'columns.name = ["first_name", "last_name"]',
        'columns.hashed_password = "password"',
        'columns.created_date = "date_joined"',
        'columns.is_admin = "is_superuser"',
        "[packages]",
        'table = "shop_package"',
        'joins = ["license_id -> shop_license.id"]',
        'columns.id = "name"',
        'columns.created_date = "created"',
        'columns.summary = "short_description"',
        'columns.description = "readme"',
        'columns.license = "shop_license.name"',
        'columns.keywords = "tags"',
        "[maintainers]",
        'table = "shop_package_maintainers"',
        'joins = ["package_id -> shop_package.id"]',
        'columns.package_id = "shop_package.name"',
        "[releases]",
        'table = "shop_release"',
        'joins = ["package_id -> shop_package.id"]',
        'columns.created_date = "released_at"',
        'columns.comment = "notes"',
        'columns.package_id = "shop_package.name"',
        'columns.yanked = "is_yanked"',
        "[files]",
        'table = "shop_releasefile"',
        'columns.created_date = "uploaded_at"',
        'columns.sha256 = "sha256_digest"',
    ]
    assert '# to make is_staff users administrators too: columns.is_admin = ["is_superuser", "is_staff"]' in suggested
    assert "# Tables not moved: django_migrations." in suggested

    where = 'columns.url = { column = "filename", prefix = "https://files.example.org/" }'
    plan = django.moved_by(
        f"{suggested}\n{where}\n" if suggested.rstrip().endswith("]") else with_url(suggested, where)
    )

    assert plan["unused_rights"] == []
    assert found(db, "users") == [
        {
            "_id": number(1),
            "username": "ada",
            "name": "Ada Lovelace",
            "email": "Ada@example.org",
            "email_folded": "ada@example.org",
            "hashed_password": "pbkdf2_sha256$1",
            "created_date": on(1),
            "last_login": on(5),
            "is_admin": True,
            "legacy": {"sql_id": 1, "is_staff": True},
        },
        {
            "_id": number(2),
            "username": "bob",
            "email": "bob@example.org",
            "email_folded": "bob@example.org",
            "hashed_password": "pbkdf2_sha256$2",
            "created_date": on(2),
            "is_admin": False,
            "is_disabled": True,
            "legacy": {"sql_id": 2, "is_staff": True},
        },
        {
            "_id": number(3),
            "username": "cy",
            "name": "Cy",
            "hashed_password": "!",
            "created_date": on(3),
            "is_admin": False,
            "legacy": {"sql_id": 3},
        },
    ]
    assert found(db, "packages") == [
        {
            "_id": "flask",
            "name": "flask",
            "created_date": on(2),
            "maintainers": [
                {"user_id": number(2), "name": "bob", "role": "owner"},
                {"user_id": number(3), "name": "Cy", "role": "maintainer"},
            ],
            "release_count": 0,
            "legacy": {"sql_id": "flask"},
        },
        {
            "_id": "zope-interface",
            "name": "Zope.Interface",
            "summary": "Interfaces",
            "description": "",
            "license": "MIT",
            "license_id": "MIT",
            "keywords": ["one", "two"],
            "created_date": on(1),
            "maintainers": [
                {"user_id": number(1), "name": "Ada Lovelace", "role": "owner"},
                {"user_id": number(3), "name": "Cy", "role": "maintainer"},
            ],
            "release_count": 2,
            "releases": [
                {
                    "version": "1.0",
                    "created_date": on(4),
                    "comment": "",
                    "is_prerelease": False,
                    "yanked": True,
                    "file_count": 2,
                    "files": [
                        {
                            "filename": "zope_interface-1.0-py3-none-any.whl",
                            "url": "https://files.example.org/zope_interface-1.0-py3-none-any.whl",
                            "size": Int64(20),
                            "packagetype": "bdist_wheel",
                            "uploaded_at": on(4, 1),
                            "yanked": False,
                            "sha256": A,
                        },
                        {
                            "filename": "zope_interface-1.0.tar.gz",
                            "url": "https://files.example.org/zope_interface-1.0.tar.gz",
                            "size": Int64(10),
                            "packagetype": "sdist",
                            "uploaded_at": on(4, 2),
                            "yanked": False,
                            "sha256": B,
                        },
                    ],
                    "url": "https://files.example.org/zope_interface-1.0.tar.gz",
                    "size": Int64(30),
                    "legacy": {"sql_id": 22},
                },
                {
                    "version": "1.0rc1",
                    "created_date": on(3),
                    "comment": "First",
                    "is_prerelease": True,
                    "yanked": False,
                    "file_count": 0,
                    "legacy": {"sql_id": 21},
                },
            ],
            "legacy": {"sql_id": "Zope.Interface"},
        },
    ]
    moved = db["packages"].find_one({"_id": "zope-interface"})
    assert moved
    assert {moved["latest"]["version"], moved["newest_release"]["version"]} == {"1.0rc1"}


FLASK_SECURITY = """
CREATE TABLE role (id integer PRIMARY KEY, name varchar(80) UNIQUE, description varchar(255));
CREATE TABLE user (
    id integer PRIMARY KEY, email varchar(255) NOT NULL UNIQUE, username varchar(255) UNIQUE, password varchar(255),
    active boolean, fs_uniquifier varchar(64) NOT NULL UNIQUE, confirmed_at datetime, last_login_at datetime,
    current_login_at datetime, login_count integer, create_datetime datetime);
CREATE TABLE roles_users (user_id integer REFERENCES user (id), role_id integer REFERENCES role (id));
CREATE TABLE project (
    id integer PRIMARY KEY, project_name varchar(100), homepage varchar(200), created_by integer REFERENCES user (id));
CREATE TABLE project_version (
    id integer PRIMARY KEY, project_id integer REFERENCES project (id), version_number varchar(40),
    upload_date integer, download_url varchar(300), file_size integer);
INSERT INTO role VALUES (1, 'editor', NULL), (2, 'Admin', NULL);
INSERT INTO user VALUES
    (1, 'ada@example.org', NULL, '$2b$12$x', 1, 'u1', '2021-01-01', '2021-01-02 00:00:00', NULL, 3, '2021-01-01'),
    (2, 'bob@example.org', NULL, NULL, 0, 'u2', NULL, NULL, NULL, 0, NULL),
    (3, 'cy@example.org', NULL, NULL, NULL, 'u3', NULL, NULL, NULL, 0, NULL);
INSERT INTO roles_users VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO project VALUES (5, 'tools', 'https://example.org', 1), (6, 'orphan', NULL, NULL);
INSERT INTO project_version VALUES
    (1, 5, '2.0', 1609545600, 'https://f.example.org/tools-2.0.zip', 5), (2, 77, '1.0', 1609545600, NULL, NULL);
"""


def test_flask_security_with_roles_in_a_table_of_their_own(old_site: Callable[[str], Site], db: Db) -> None:
    flask = old_site(FLASK_SECURITY)

    suggested = flask.suggested()

    assert lines_of(suggested) == [
        "[users]",
        'table = "user"',
        'columns.hashed_password = "password"',
        'columns.created_date = "create_datetime"',
        'columns.last_login = "last_login_at"',
        'columns.is_active = "active"',
        "[packages]",
        'table = "project"',
        'columns.id = "project_name"',
        'columns.home_page = "homepage"',
        'columns.owner_id = "created_by"',
        "[releases]",
        'table = "project_version"',
        'joins = ["project_id -> project.id"]',
        'columns.created_date = { column = "upload_date", as = "unix seconds" }',
        'columns.url = "download_url"',
        'columns.size = "file_size"',
        'columns.package_id = "project.project_name"',
        'columns.version = "version_number"',
        "[administrators]",
        'table = "roles_users"',
        'joins = ["role_id -> role.id"]',
        'where."role.name" = "Admin"',
    ]

    plan = flask.moved_by(suggested, code=1)

    releases = plan["tally"]["tables"]["releases"]
    assert [(one["text"], one["examples"]) for one in releases["reasons"]] == [
        ("there is no such package", ["2: (no project.id 77)"])
    ]
    flags = [(one["_id"], one["is_admin"], one.get("is_disabled")) for one in found(db, "users")]
    # NULL in `active` is no: Flask-Security does not let such a user in either.
    assert flags == [(number(1), True, None), (number(2), False, True), (number(3), False, True)]
    kept = {"_id": 0, "last_login": 1, "created_date": 1, "hashed_password": 1, "email": 1}
    assert db.users.find_one({"_id": number(1)}, kept) == {
        "email": "ada@example.org",
        "hashed_password": "$2b$12$x",
        "created_date": on(1),
        "last_login": on(2),
    }
    assert found(db, "packages") == [
        {"_id": "orphan", "name": "orphan", "release_count": 0, "legacy": {"sql_id": "orphan"}},
        {
            "_id": "tools",
            "name": "tools",
            "home_page": "https://example.org",
            "maintainers": [{"user_id": number(1), "role": "owner"}],
            "release_count": 1,
            "releases": [
                {
                    "version": "2.0",
                    "created_date": on(2),
                    "url": "https://f.example.org/tools-2.0.zip",
                    "size": Int64(5),
                    "is_prerelease": False,
                    "yanked": False,
                    "file_count": 1,
                    "files": [
                        {
                            "filename": "tools-2.0.zip",
                            "url": "https://f.example.org/tools-2.0.zip",
                            "size": Int64(5),
                            "packagetype": "sdist",
                            "uploaded_at": on(2),
                            "yanked": False,
                        }
                    ],
                    "legacy": {"sql_id": 1},
                }
            ],
            "legacy": {"sql_id": "tools"},
        },
    ]


# One table that a simple index keeps beside its folder of files: a row for each file, and nothing else.
ONE_TABLE = f"""
CREATE TABLE files (
    pkgname TEXT, version TEXT, relfn TEXT PRIMARY KEY, digest TEXT, mtime REAL, filesize INTEGER);
INSERT INTO files VALUES
    ('tools', '1.0', 'tools-1.0.tar.gz', 'sha256={A}', 1609459200.25, 10),
    ('tools', '1.1', 'tools-1.1.tar.gz', 'sha256={B}', 1609545600, 20),
    ('tools', '1.1', 'tools-1.1-py3-none-any.whl', NULL, 1609549200, 30),
    ('Other', '3.0.dev1', 'Other-3.0.dev1.zip', 'SHA256:{C.upper()}', NULL, NULL);
"""


def test_one_table_with_a_row_for_each_file(old_site: Callable[[str], Site], db: Db) -> None:
    simple = old_site(ONE_TABLE)

    suggested = simple.suggested()

    assert lines_of(suggested) == [
        "[packages]",
        'table = "files"',
        'newest_by = "mtime"',
        'columns.id = "pkgname"',
        "[releases]",
        'table = "files"',
        'newest_by = "mtime"',
        'columns.id = ["pkgname", "version"]',
        'columns.package_id = "pkgname"',
        'columns.version = "version"',
        "[files]",
        'columns.id = "relfn"',
        'columns.release_id = ["pkgname", "version"]',
        'columns.filename = "relfn"',
        'columns.size = "filesize"',
        'columns.created_date = { column = "mtime", as = "unix seconds" }',
        'columns.sha256 = "digest"',
    ]

    plan = simple.moved_by(with_url(suggested, 'columns.url = { column = "relfn", prefix = "https://f.example.org/" }'))

    assert {name: table["found"] for name, table in plan["tally"]["tables"].items()} == {
        "packages": 2,
        "releases": 3,
        "files": 4,
    }
    first, second = found(db, "packages")
    assert (first["name"], [one["version"] for one in first["releases"]]) == ("Other", ["3.0.dev1"])
    assert first["releases"][0]["files"] == [
        {
            "filename": "Other-3.0.dev1.zip",
            "url": "https://f.example.org/Other-3.0.dev1.zip",
            "packagetype": "sdist",
            "yanked": False,
            "sha256": C,
        }
    ]
    assert second["releases"] == [
        {
            "version": "1.1",
            "is_prerelease": False,
            "yanked": False,
            "file_count": 2,
            "files": [
                {
                    "filename": "tools-1.1-py3-none-any.whl",
                    "url": "https://f.example.org/tools-1.1-py3-none-any.whl",
                    "size": Int64(30),
                    "packagetype": "bdist_wheel",
                    "uploaded_at": on(2, 1),
                    "yanked": False,
                },
                {
                    "filename": "tools-1.1.tar.gz",
                    "url": "https://f.example.org/tools-1.1.tar.gz",
                    "size": Int64(20),
                    "packagetype": "sdist",
                    "uploaded_at": on(2),
                    "yanked": False,
                    "sha256": B,
                },
            ],
            "created_date": on(2),
            "url": "https://f.example.org/tools-1.1.tar.gz",
            "size": Int64(50),
            "legacy": {"sql_id": "tools/1.1"},
        },
        {
            "version": "1.0",
            "is_prerelease": False,
            "yanked": False,
            "file_count": 1,
            "files": [
                {
                    "filename": "tools-1.0.tar.gz",
                    "url": "https://f.example.org/tools-1.0.tar.gz",
                    "size": Int64(10),
                    "packagetype": "sdist",
                    "uploaded_at": datetime(2021, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
                    "yanked": False,
                    "sha256": A,
                }
            ],
            "created_date": datetime(2021, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
            "url": "https://f.example.org/tools-1.0.tar.gz",
            "size": Int64(10),
            "legacy": {"sql_id": "tools/1.0"},
        },
    ]


# The tables of an index with stages, exported: names as keys everywhere, Julian days and a list in JSON.
NATURAL = f"""
CREATE TABLE users (username TEXT PRIMARY KEY, pwhash TEXT, email TEXT, created REAL, disabled INTEGER);
CREATE TABLE projects (name TEXT PRIMARY KEY, owner TEXT, created INTEGER, keywords TEXT);
CREATE TABLE versions (
    project TEXT, version TEXT, summary TEXT, requires_python TEXT, upload_time INTEGER,
    PRIMARY KEY (project, version));
CREATE TABLE files (
    project TEXT, version TEXT, basename TEXT PRIMARY KEY, url TEXT, sha256 TEXT, md5 TEXT, size INTEGER);
INSERT INTO users VALUES ('ann', 'pw1', 'ann@example.org', 2459215.5, 0), ('bob', 'pw2', NULL, 2459216.0, 1);
INSERT INTO projects VALUES ('pa', 'bob', 20210103, '["web", "http"]'), ('pb', 'zoe', 20210104, NULL);
INSERT INTO versions VALUES
    ('pa', '1.0', 'first', '>=3.8', 1609459200000), ('pa', 'final', NULL, NULL, NULL);
INSERT INTO files VALUES
    ('pa', '1.0', 'pa-1.0.zip', 'https://f.example.org/pa-1.0.zip', '{A}', '{MD5}', 7),
    ('pa', '9.9', 'pa-9.9.zip', NULL, 'short', NULL, 8),
    ('pa', 'final', 'README', NULL, NULL, NULL, 9);
"""


@pytest.mark.parametrize(
    ("highest", "form"),
    [
        (2_299_999, "unix seconds"),
        (2_300_000, "julian day"),
        (2_600_000, "julian day"),
        (2_600_001, "unix seconds"),
        (18_000_100, "unix seconds"),
        (18_000_101, "yyyymmdd"),
        (22_001_231, "yyyymmdd"),
        (22_001_232, "unix seconds"),
        (99_999_999_999, "unix seconds"),
        (100_000_000_000, "unix milliseconds"),
        (10**14, "unix milliseconds"),
        (10**14 + 1, "unix seconds"),
    ],
)
def test_form_of_dates_that_are_numbers_follows_from_the_highest(
    old_site: Callable[[str], Site], highest: int, form: str
) -> None:
    site = old_site(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, created_date INTEGER);"
        f"INSERT INTO users VALUES (1, 'Ann', 'ann@example.org', 0), (2, 'Bob', 'bob@example.org', {highest});"
    )

    suggested = site.suggested()

    assert f'columns.created_date = {{ column = "created_date", as = "{form}" }}' in lines_of(suggested)


def test_natural_keys_everywhere(old_site: Callable[[str], Site], db: Db) -> None:
    natural = old_site(NATURAL)

    suggested = natural.suggested()

    assert lines_of(suggested) == [
        "[users]",
        'columns.id = "username"',
        'columns.hashed_password = "pwhash"',
        'columns.created_date = { column = "created", as = "julian day" }',
        'columns.is_active = { column = "disabled", as = "negated" }',
        "[packages]",
        'table = "projects"',
        'columns.id = "name"',
        'columns.created_date = { column = "created", as = "yyyymmdd" }',
        'columns.owner_id = "owner"',
        "[releases]",
        'table = "versions"',
        'columns.id = ["project", "version"]',
        'columns.created_date = { column = "upload_time", as = "unix milliseconds" }',
        'columns.comment = "summary"',
        'columns.package_id = "project"',
        "[files]",
        'columns.id = "basename"',
        'columns.release_id = ["project", "version"]',
        'columns.filename = "basename"',
    ]

    content = suggested.replace(
        "[releases]", 'columns.keywords = { column = "keywords", as = "json list" }\n[releases]'
    )
    plan = natural.moved_by(content, code=1)

    tables = plan["tally"]["tables"]
    assert {one["text"]: one["examples"] for one in tables["files"]["reasons"]} == {
        "there is no such release": ["pa-9.9.zip: pa/9.9"],
        "filename is not that of a distribution": ["README: README"],
    }
    assert [one["text"] for one in tables["packages"]["remarks"]] == [
        "owner_id leads to no user that is moved: left out, kept under `legacy`"
    ]
    ann, bob = sorted(found(db, "users"), key=lambda one: str(one["username"]))
    assert ann == {
        "_id": ann["_id"],
        "username": "ann",
        "email": "ann@example.org",
        "email_folded": "ann@example.org",
        "hashed_password": "pw1",
        "created_date": on(1),
        "is_admin": False,
        "legacy": {"sql_id": "ann"},
    }
    assert (bob["created_date"], bob["is_disabled"], bob["legacy"]) == (on(1, 12), True, {"sql_id": "bob"})
    assert str(ann["_id"]).startswith("00f")
    assert ann["_id"] != bob["_id"]
    assert found(db, "packages") == [
        {
            "_id": "pa",
            "name": "pa",
            "keywords": ["web", "http"],
            "created_date": on(3),
            "maintainers": [{"user_id": bob["_id"], "name": "bob", "role": "owner"}],
            "release_count": 2,
            "releases": [
                {
                    "version": "1.0",
                    "created_date": on(1),
                    "comment": "first",
                    "is_prerelease": False,
                    "yanked": False,
                    "file_count": 1,
                    "files": [
                        {
                            "filename": "pa-1.0.zip",
                            "url": "https://f.example.org/pa-1.0.zip",
                            "size": Int64(7),
                            "packagetype": "sdist",
                            "yanked": False,
                            "sha256": A,
                            "md5": MD5,
                        }
                    ],
                    "url": "https://f.example.org/pa-1.0.zip",
                    "size": Int64(7),
                    "requires_python": ">=3.8",
                    "legacy": {"sql_id": "pa/1.0"},
                },
                {
                    "version": "final",
                    "is_prerelease": False,
                    "yanked": False,
                    "file_count": 0,
                    "legacy": {"sql_id": "pa/final"},
                },
            ],
            "legacy": {"sql_id": "pa"},
        },
        {
            "_id": "pb",
            "name": "pb",
            "created_date": on(4),
            "release_count": 0,
            "legacy": {"sql_id": "pb", "owner_id": "zoe"},
        },
    ]


SMALL_WITH_NUMBERS = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR, email VARCHAR, active BOOLEAN, created_at DATETIME);
CREATE TABLE packages (id INTEGER PRIMARY KEY, name VARCHAR UNIQUE, summary TEXT, owner_id INTEGER);
CREATE TABLE releases (id INTEGER PRIMARY KEY, package_id INTEGER, version VARCHAR, created_date DATETIME);
INSERT INTO users VALUES (1, 'root', 'root@example.org', 1, '2021-01-01 00:00:00'),
    (2, 'gone', 'gone@example.org', 0, '2021-01-02 00:00:00');
INSERT INTO packages VALUES (1, 'Flask', 'web', 1), (2, 'Jinja2', 'templates', 2);
INSERT INTO releases VALUES (1, 1, '1.0rc1', '2021-01-01 00:00:00'), (2, 1, '1.0', '2021-01-02 00:00:00');
"""


def test_small_site_with_numbers_and_no_declared_foreign_keys(old_site: Callable[[str], Site], db: Db) -> None:
    small = old_site(SMALL_WITH_NUMBERS)
    refused = small.move("plan")

    suggested = small.suggested()

    assert refused.code == 2
    assert "packages.id holds numbers, but a package's id is its name" in refused.err
    assert lines_of(suggested) == [
        "[users]",
        'columns.created_date = "created_at"',
        'columns.is_active = "active"',
        "[packages]",
        'columns.id = "name"',
        "[releases]",
        'joins = ["package_id -> packages.id"]',
        'columns.package_id = "packages.name"',
    ]
    small.moved_by(suggested)
    assert [(one["username"], one.get("is_disabled")) for one in found(db, "users")] == [("root", None), ("gone", True)]
    assert found(db, "packages") == [
        {
            "_id": "flask",
            "name": "Flask",
            "summary": "web",
            "maintainers": [{"user_id": number(1), "name": "root", "role": "owner"}],
            "release_count": 2,
            "releases": [
                {
                    "version": version,
                    "created_date": date,
                    "is_prerelease": is_prerelease,
                    "yanked": False,
                    "file_count": 0,
                    "legacy": {"sql_id": sql_id},
                }
                for version, date, is_prerelease, sql_id in (("1.0", on(2), False, 2), ("1.0rc1", on(1), True, 1))
            ],
            "legacy": {"sql_id": "Flask"},
        },
        {
            "_id": "jinja2",
            "name": "Jinja2",
            "summary": "templates",
            "maintainers": [{"user_id": number(2), "name": "gone", "role": "owner"}],
            "release_count": 0,
            "legacy": {"sql_id": "Jinja2"},
        },
    ]


def test_small_site_whose_users_are_known_by_their_names(old_site: Callable[[str], Site], db: Db) -> None:
    small = old_site(
        """
        CREATE TABLE users (username VARCHAR PRIMARY KEY, password VARCHAR, date_joined DATETIME);
        CREATE TABLE packages (id VARCHAR PRIMARY KEY, summary TEXT);
        CREATE TABLE maintainers (user_id VARCHAR, package_id VARCHAR);
        INSERT INTO users VALUES ('ann', 'x', '2021-01-01 00:00:00'), ('zoë', NULL, NULL);
        INSERT INTO packages VALUES ('pa', 'x');
        INSERT INTO maintainers VALUES ('zoë', 'pa'), ('nobody', 'pa');
        """
    )

    suggested = small.suggested()

    assert lines_of(suggested) == [
        "[users]",
        'columns.id = "username"',
        'columns.hashed_password = "password"',
        'columns.created_date = "date_joined"',
        "[packages]",
        "[maintainers]",
    ]
    small.moved_by(suggested, code=1)
    users = {one["username"]: one for one in found(db, "users")}
    assert users["ann"] == {
        "_id": users["ann"]["_id"],
        "username": "ann",
        "hashed_password": "x",
        "created_date": on(1),
        "is_admin": False,
        "legacy": {"sql_id": "ann"},
    }
    assert found(db, "packages")[0]["maintainers"] == [
        {"user_id": users["zoë"]["_id"], "name": "zoë", "role": "maintainer"}
    ]
