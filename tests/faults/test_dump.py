"""`flask db dump` on a replica set of three, while uploads through the site go on."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from pymongo import MongoClient

from tests.faults.conftest import Keep
from tests.publishing.uploads import wheel, wheel_name
from tests.servers import ROOT, ReplicaSet, Site, serving

pytestmark = pytest.mark.faults

# Three chunks, so that a dump can meet a file in the middle of its bytes.
BALLAST_BYTES = 700_000
PATIENCE_S = 60
MAKE_TOKEN = (
    "from app import app\nfrom webapp.documents import User\nfrom webapp.members.api_tokens import make_token\n"
    "with app.app_context():\n"
    "    user = User(name='Ada Lovelace', email='ada@example.org').save()\n"
    "    print(make_token(user, name='tests', project=None, permissions=['upload'], expires_at=None)[0])\n"
)


class Uploading:
    """Two uploaders, from `with` on: each sends version after version of its project."""

    def __init__(self, site: Site, secret: str) -> None:
        # The files that the site said it has.
        self.acknowledged: dict[str, bytes] = {}
        self.refused: list[str] = []
        self._site, self._secret, self._stop = site, secret, threading.Event()
        names = ("larder-one", "larder-two")
        self._threads = [threading.Thread(target=self._upload, args=(name,), daemon=True) for name in names]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, number: int) -> None:
        """Wait until so many more uploads have been acknowledged."""
        wanted, deadline = len(self.acknowledged) + number, time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, self.refused
            time.sleep(0.05)

    def _upload(self, project: str) -> None:
        for number in itertools.count(1):
            if self._stop.is_set():
                break
            version = f"{number}.0"
            content = wheel(project, version, extra={"ballast.bin": os.urandom(BALLAST_BYTES)})
            filename = wheel_name(project, version)
            answer = requests.post(
                f"{self._site.address}/legacy/", data={":action": "file_upload"}, timeout=PATIENCE_S,
                files={"content": (filename, content)}, auth=("__token__", self._secret),
            )  # fmt: skip
            if answer.status_code == 200:
                self.acknowledged[filename] = content
            else:
                self.refused.append(answer.text)


def run(uri: str, *arguments: str) -> str:
    """What a program of the site says, on this database."""
    environment = os.environ | {"LARDER_ENV": "production", "SECRET_KEY": "k" * 40, "MONGODB_URI": uri}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S * 3,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stored(uri: str) -> dict[str, bytes]:
    """The bytes of each file that a database has."""
    with MongoClient[Any](uri) as client:
        database = client.get_default_database()
        return {
            file["_id"]: b"".join(
                chunk["data"] for chunk in database["contents.chunks"].find({"files_id": file["content_id"]}).sort("n")
            )
            for file in database["files"].find({"state": "stored"})
        }


def test_dump_during_uploads_is_a_whole_site_with_every_upload_before_it(tmp_path: Path, figures: Keep) -> None:
    flask = ("-m", "flask", "--app", "app", "db")
    with contextlib.ExitStack() as stack:
        replica_set = ReplicaSet(tmp_path, stack)
        uri, restored = replica_set.uri(), replica_set.uri("restored")
        site = stack.enter_context(serving(tmp_path / "log", uri))
        # What `serving` puts into the database by hand lacks what the site derives.
        run(uri, *flask, "repair")
        with Uploading(site, run(uri, "-c", MAKE_TOKEN).splitlines()[-1]) as uploading:
            uploading.wait(20)
            before = dict(uploading.acknowledged)
            said = run(uri, *flask, "dump", str(tmp_path / "dump"))
            meanwhile = len(uploading.acknowledged) - len(before)
            uploading.wait(5)
        run(restored, *flask, "load", str(tmp_path / "dump"))
        findings = run(restored, *flask, "check", "--deep")
        found = stored(restored)

    assert "All of them are from the same moment" in said
    assert uploading.refused == []
    assert meanwhile > 0
    assert before.items() <= found.items() <= uploading.acknowledged.items()
    assert findings.endswith("No findings.\n"), findings
    figures("dump during uploads", acknowledged_before=len(before), meanwhile=meanwhile, found=len(found))
