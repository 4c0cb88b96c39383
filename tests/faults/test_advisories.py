"""Imports of advisories that are killed, or started twice: readers have all of the old ones, or all of the new ones."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymongo import MongoClient

from benchmarks.made_up_advisories import records
from tests.changes.test_advisories import dump_of
from tests.servers import ROOT, mongod
from webapp.changes.advisories import BUILDING

pytestmark = pytest.mark.faults

OLD, NEW = 500, 8000


def started(uri: str, dump: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "advisories", "import", str(dump)],
        cwd=ROOT,
        env=os.environ | {"MONGODB_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_building(client: MongoClient[dict[str, object]]) -> None:
    """Wait until an import has the claim and writes; one that was killed leaves what it wrote, without a claim."""
    claimed, database = {"claimed_until": {"$ne": None}}, client["larder"]

    def is_building() -> bool:
        names = [name for name in database.list_collection_names() if name.startswith(BUILDING)]
        return any(database[name].estimated_document_count() for name in names)

    deadline = time.monotonic() + 60
    while not (database["advisory_state"].find_one(claimed) and is_building()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_and_simultaneous_imports_leave_the_old_or_the_new_advisories_whole(tmp_path: Path) -> None:
    old, new = dump_of(tmp_path / "old.zip", *records(OLD)), dump_of(tmp_path / "new.zip", *records(NEW))
    with mongod(tmp_path / "db") as server, server.client() as client:
        advisories, state = client["larder"]["advisories"], client["larder"]["advisory_state"]
        first_import = started(server.uri(), old)
        first_import.communicate(timeout=60)
        assert first_import.returncode == 0

        killed = started(server.uri(), new)
        wait_until_building(client)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert advisories.count_documents({}) == OLD
        state.update_one({}, {"$set": {"claimed_until": None}})  # three minutes later

        first = started(server.uri(), new)
        wait_until_building(client)
        second = started(server.uri(), old)
        said = second.communicate(timeout=60)[1]
        first.communicate(timeout=60)
        assert first.returncode == 0
        assert (second.returncode, "another command is changing the advisories" in said) == (1, True)
        assert advisories.count_documents({}) == NEW
