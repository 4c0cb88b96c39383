"""Files of the index from nginx, where LARDER_FILES_CACHE says so: what the site refuses, nginx refuses."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
import requests

from tests.deploy.conftest import Nginx, connect, site, site_uri

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILENAME = "kept-1.0.tar.gz"
PATH = f"/files/{SHA256[:2]}/{SHA256[2:4]}/{SHA256[4:]}/{FILENAME}"
SECRET = "larder-a-token-of-a-test"
TOKEN = ("__token__", SECRET)


@pytest.fixture
def front(request: pytest.FixtureRequest, mongo: int, tmp_path: Path) -> Iterator[Nginx]:
    """nginx with a cache, in front of a site that anybody or only members read, with one file and one reader."""
    uri = site_uri(mongo)
    settings = {"MONGODB_URI": uri, "READ_ACCESS": request.param, "FLASK_SERVE_WORKERS": "1"}
    with ExitStack() as servers:
        port = servers.enter_context(site(tmp_path / "site.log", **settings))
        client = servers.enter_context(connect(uri))
        database = client.get_default_database()
        _fill(database)
        servers.callback(_clear, database)
        nginx = Nginx(tmp_path, port, LARDER_FILES_CACHE="larder_files")
        yield servers.enter_context(nginx.running())


def _fill(db: Any) -> None:
    user, content, now = bson.ObjectId(), bson.ObjectId(), datetime.now(UTC)
    db["contents.chunks"].insert_one({"files_id": content, "n": 0, "data": CONTENT})
    file = {"package": "kept", "version": "1.0", "state": "stored", "sha256": SHA256, "content_id": content}
    db["files"].insert_one({"_id": FILENAME, **file, "size": bson.Int64(len(CONTENT)), "uploaded_at": now})
    db["users"].insert_one({"_id": user, "name": "A reader", "created_date": now})
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    token = {"user_id": user, "name": "test", "digest": digest, "scope": {"kind": "account"}, "permissions": ["read"]}
    db["tokens"].insert_one(token)


def _clear(db: Any) -> None:
    # The other tests have the same database.
    for name in ("contents.chunks", "files", "tokens", "users"):
        db[name].delete_many({})


def fetch(nginx: Nginx, **request: object) -> requests.Response:
    return requests.get(nginx.address + PATH, timeout=20, **request)  # type: ignore[arg-type]


def kept(nginx: Nginx) -> list[Path]:
    return [path for path in (nginx.folder / "temp" / "larder").rglob("*") if path.is_file()]


@pytest.mark.parametrize("front", ["public"], indirect=True)
def test_file_is_kept_and_sent_while_the_site_says_that_it_is_there(front: Nginx, mongo: int) -> None:
    first = fetch(front)
    part = fetch(front, headers={"Range": "bytes=10-19"})
    again = fetch(front, headers={"If-None-Match": first.headers["ETag"]})
    with connect(site_uri(mongo)) as client:
        # The bytes alone are gone, so they come from nginx now ...
        client.get_default_database()["contents.chunks"].delete_many({})
        time.sleep(2.1)
        from_nginx = fetch(front)
        # ... until the site says that there is no such file any more.
        client.get_default_database()["files"].update_one({"_id": FILENAME}, {"$set": {"state": "deleted"}})
        time.sleep(2.1)
        deleted = fetch(front)

    assert first.content == from_nginx.content == CONTENT
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    assert again.status_code == 304
    assert "immutable" in first.headers["Cache-Control"]
    assert deleted.status_code == 404
    assert len(kept(front)) == 1


@pytest.mark.parametrize("front", ["public"], indirect=True)
def test_file_of_a_quarantined_project_is_not_sent_from_the_cache(front: Nginx, mongo: int) -> None:
    first = fetch(front)
    with connect(site_uri(mongo)) as client:
        packages = client.get_default_database()["packages"]
        packages.insert_one({"_id": "kept", "name": "kept", "status": {"marker": "quarantined"}})
        time.sleep(2.1)
        quarantined, part = fetch(front), fetch(front, headers={"Range": "bytes=10-19"})
        packages.delete_one({"_id": "kept"})
        time.sleep(2.1)
        afterwards = fetch(front)

    assert first.content == afterwards.content == CONTENT
    assert quarantined.status_code == part.status_code == 403


@pytest.mark.parametrize("front", ["public"], indirect=True)
def test_who_sends_a_token_or_a_cookie_is_answered_by_the_site(front: Nginx, mongo: int) -> None:
    with_token, with_cookie = fetch(front, auth=TOKEN), fetch(front, cookies={"session": "x"})
    kept_of_these = kept(front)
    fetch(front)
    with connect(site_uri(mongo)) as client:
        client.get_default_database()["files"].update_one({"_id": FILENAME}, {"$set": {"state": "deleted"}})

    assert with_token.content == with_cookie.content == CONTENT
    assert (len(kept_of_these), len(kept(front))) == (0, 1)
    assert fetch(front, auth=TOKEN).status_code == 404


@pytest.mark.parametrize("front", ["members"], indirect=True)
def test_nothing_that_only_members_read_is_kept(front: Nginx) -> None:
    member = fetch(front, auth=TOKEN)
    strangers = [fetch(front), fetch(front, auth=("__token__", "larder-wrong"))]

    assert member.content == CONTENT
    assert [stranger.status_code for stranger in strangers] == [401, 401]
    assert kept(front) == []
