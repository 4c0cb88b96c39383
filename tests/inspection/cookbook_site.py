"""A small site that never changes, for the questions of docs/inspecting.md."""

from datetime import UTC, datetime, timedelta
from typing import Any

import bson

from webapp.changes import catching_up, search_index
from webapp.documents import DOCUMENTS, Maintainer, Package, Release, ReleaseFile, ensure_indexes, ensure_validators
from webapp.documents.user import object_id_of_sql_id
from webapp.rules.naming import normalize_name

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA, GRACE, EVE, BOB, GONE = (object_id_of_sql_id(number) for number in (63, 64, 65, 66, 67))


def days_ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def release(name: str, version: str, days: int, size: int, *kinds: str, **fields: Any) -> Release:
    """A release with a file of each kind."""
    files = []
    for number, kind in enumerate(kinds):
        filename = f"{name}-{version}.tar.gz" if kind == "sdist" else f"{name}-{version}-{kind}.whl"
        files.append(
            ReleaseFile(
                filename=filename,
                url=f"https://files.example.org/{filename}",
                size=size,
                packagetype="sdist" if kind == "sdist" else "bdist_wheel",
                python_version="source" if kind == "sdist" else "py3",
                sha256=f"{abs(hash_of(filename)):064x}" if fields.get("hashed", True) else None,
                uploaded_at=days_ago(days) + timedelta(minutes=number),
            )
        )
    fields.pop("hashed", None)
    return Release(version=version, created_date=days_ago(days), size=size * len(kinds), files=files, **fields)


def hash_of(text: str) -> int:
    """A number that stays the same from run to run, as `hash` does not."""
    return int.from_bytes(text.encode(), "big") % 2**256


PURE = ("sdist", "py3-none-any")


def packages() -> list[Package]:
    first = release("larder_client", "0.1a1", 30, 5_000, *PURE)
    second = release("larder_client", "0.1b1", 2, 5_100, *PURE)
    second.files.append(first.files[0])  # by mistake
    ada = Maintainer(user_id=ADA, name="Ada Lovelace", role="owner")
    grace = Maintainer(user_id=GRACE, name="Grace Hopper")
    gone = Maintainer(user_id=GONE, name="Charles Babbage", role="owner")
    return [
        Package(
            name="Flask",
            summary="A simple framework for building complex web applications.",
            license="BSD-3-Clause",
            classifiers=["Framework :: Flask", "Programming Language :: Python :: 3"],
            requires_python=">=3.9",
            requires_dist=["Werkzeug>=3.0.0", "click>=8.1.3", "python-dotenv; extra == 'dotenv'"],
            project_urls={"Source": "https://github.com/pallets/flask"},
            maintainers=[ada, grace],
            releases=[
                release("flask", "3.0.0", 1100, 99_000, *PURE),
                release("flask", "3.1.0", 400, 101_000, *PURE),
                release("flask", "3.1.1", 380, 101_500, *PURE, yanked=True, yanked_reason="breaks redirects"),
                release("flask", "3.1.2", 5, 102_000, *PURE),
            ],
            description="Flask " * 5000,
        ),
        Package(
            name="click",
            summary="Composable command line interface toolkit",
            license="BSD-3-Clause",
            classifiers=["Programming Language :: Python :: 3"],
            maintainers=[ada],
            releases=[release("click", "8.1.7", 1200, 97_000, *PURE), release("click", "8.2.0", 6, 98_000, *PURE)],
        ),
        Package(
            name="Zope.Interface",
            summary="Interfaces for Python",
            license="ZPL-2.1",
            classifiers=["Programming Language :: Python :: 3", "Programming Language :: C"],
            maintainers=[gone],
            releases=[
                release("zope.interface", "6.1", 1150, 250_000, "sdist", "cp311-cp311-linux", "cp312-cp312-linux"),
                release("zope.interface", "7.0", 90, 260_000, "sdist", "cp312-cp312-linux", "cp313-cp313-linux"),
            ],
        ),
        Package(
            name="paramiko",
            summary="SSH2 protocol library",
            description="SSH2 " * 2000,
            license="LGPL-2.1-or-later",
            classifiers=["Programming Language :: Python :: 3"],
            releases=[
                release("paramiko", "0.9-ivysaur", 8_000, 60_000, "sdist", hashed=False),
                release("paramiko", "3.4.0", 1000, 350_000, *PURE),
            ],
        ),
        Package(
            name="larder-client",
            summary="Talks to Larder",
            license="MIT License",
            classifiers=["Programming Language :: Python :: 3", "Framework :: Flask"],
            requires_dist=["Click>=8", "requests"],
            maintainers=[Maintainer(user_id=GRACE, name="Grace")],
            releases=[first, second],
        ),
        Package(name="empty", summary="Registered, and nothing more", maintainers=[ada]),
    ]


def users() -> list[dict[str, Any]]:
    session = {"session_id": "s1", "created_date": NOW, "expires_at": datetime(2099, 1, 1, tzinfo=UTC)}
    argon2, old = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "$6$rounds=171204$salt$hash"
    ada = {"_id": ADA, "name": "Ada Lovelace", "username": "ada", "email": "Ada@example.org"}
    grace = {"_id": GRACE, "name": "Grace Hopper", "username": "grace", "email": "grace@example.org"}
    eve = {"_id": EVE, "name": "Eve", "email": "eve@example.org"}
    bob = {"_id": BOB, "name": "ada lovelace", "email": "Lovelace@example.org"}
    return [
        ada
        | {"hashed_password": argon2, "last_login": days_ago(0), "is_admin": True, "sessions": [session]}
        | {"email_folded": "ada@example.org", "created_date": days_ago(2000)},
        grace
        | {"hashed_password": argon2, "last_login": days_ago(800), "is_admin": False}
        | {"email_folded": "grace@example.org", "created_date": days_ago(1500)},
        eve
        | {"hashed_password": old, "is_admin": False, "email_folded": "eve@example.org"}
        | {"created_date": days_ago(3000)},
        bob | {"is_admin": False, "created_date": days_ago(3), "is_disabled": True},
    ]


def downloads() -> list[dict[str, Any]]:
    fetched = [
        ("flask", "3.1.2", 1),
        ("flask", "3.1.2", 1),
        ("flask", "3.0.0", 4),
        ("click", "8.2.0", 2),
        ("left-pad", "1.0", 9),
    ]
    return [
        {
            "_id": bson.ObjectId(f"{number:024x}"),
            "created_date": days_ago(days),
            "package": package,
            "version": version,
            "ip_address": f"192.0.2.{number}",
            "user_agent": "pip/24.0",
        }
        for number, (package, version, days) in enumerate(fetched)
    ]


def acts() -> list[dict[str, Any]]:
    failed = {"kind": "sign-in failed", "description": "Failed to sign in."}
    return [
        {"_id": "a1", "created_date": days_ago(3), **failed, "ip_address": "198.51.100.7", "target": "ada"},
        {"_id": "a2", "created_date": days_ago(2), **failed, "ip_address": "198.51.100.7", "target": "grace"},
        {"_id": "a3", "created_date": days_ago(2), **failed, "ip_address": "192.0.2.1", "target": "ada"},
        {
            "_id": "a4",
            "created_date": days_ago(1),
            "kind": "administration",
            "description": "Disabled the account.",
            "actor_id": ADA,
            "actor_name": "Ada Lovelace",
            "user_id": BOB,
            "target": "user ada lovelace",
        },
    ]


def empty(database: Any) -> None:
    """Remove every document, also of collections that no document of the site declares: `limits` is one."""
    for info in database.list_collections(filter={"type": "collection", "name": {"$not": {"$regex": r"^system\."}}}):
        database[info["name"]].delete_many({})


def fill(database: Any) -> None:
    """Write the site into a database, with its indexes and rules."""
    empty(database)
    ensure_indexes(DOCUMENTS)
    ensure_validators(database, DOCUMENTS)
    for package in packages():
        package.normalized_name = normalize_name(package.name)
        dates = [each.created_date for each in package.releases]
        package.created_date = min(dates, default=days_ago(7))
        package.updated_date = max(dates, default=days_ago(7))
        package.clean()
        database["packages"].insert_one(package.to_mongo())
    database["users"].insert_many(users())
    database["downloads"].insert_many(downloads())
    database["auditing"].insert_many(acts())
    database["pages"].insert_one({"_id": "company/history", "title": "History", "created_date": NOW})
    search_index.rebuild()
    catching_up.remember_names()
    for key, name in (("python-3", "Python :: 3"), ("c", "C")):
        language = {"_id": key, "description": f"Programming Language :: {name}", "created_date": NOW}
        database["languages"].insert_one(language)
    for name in ("BSD-3-Clause", "MIT", "ZPL-2.1", "LGPL-2.1-or-later"):
        database["licenses"].insert_one({"_id": name, "description": name, "created_date": NOW})
