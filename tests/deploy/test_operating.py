"""Commands of docs/operating.md, run by the site's own user of a MongoDB that was set up as written there."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.deploy.conftest import ROOT, connect, site_environment, site_uri


def flask(uri: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=os.environ | site_environment(MONGODB_URI=uri),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def content(uri: str) -> dict[str, list[Any]]:
    with connect(uri) as client:
        database = client.get_default_database()
        # MongoDB itself removes what stands in `limits` when its time has passed, which may be just now.
        names = set(database.list_collection_names()) - {"limits"}
        return {name: list(database[name].find().sort("_id")) for name in names}


def test_backup_is_restored_byte_for_byte(mongo: int, tmp_path: Path) -> None:
    uri, folder = site_uri(mongo), tmp_path / "dump"
    flask(uri, "db", "init")
    before = content(uri)

    dumped = flask(uri, "db", "dump", str(folder))
    refused = flask(uri, "db", "load", str(folder))
    with connect(uri) as client:
        client.drop_database("larder")
    loaded = flask(uri, "db", "load", str(folder))
    restored = content(uri)
    ready = flask(uri, "db", "init")

    assert (dumped.returncode, dumped.stderr.count("Error")) == (0, 0)
    assert "from the same moment" in dumped.stdout
    assert refused.returncode == 1
    assert (loaded.returncode, ready.returncode) == (0, 0), loaded.stderr + ready.stderr
    assert restored == before
    assert before["packages"]


def test_database_is_checked_and_measured_with_the_sites_own_rights(mongo: int) -> None:
    uri = site_uri(mongo)
    flask(uri, "db", "init")

    for command in (["db", "stats"], ["db", "check"], ["db", "repair", "--dry-run"], ["db", "ensure-indexes"]):
        done = flask(uri, *command)
        assert (done.returncode, "not authorized" in done.stdout + done.stderr) == (0, False), (command, done.stderr)


def test_wrong_password_is_told_in_one_line(mongo: int, tmp_path: Path) -> None:
    uri = site_uri(mongo, password="wrong-password")

    for command in (["db", "dump", str(tmp_path / "dump")], ["db", "check"], ["users", "list"]):
        done = flask(uri, *command)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "Error: the database refuses what the site asks of it: Authentication failed. See MONGODB_URI."
        ]
