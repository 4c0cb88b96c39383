"""kill -9 of the tool and of the server, full disks, missing rights, a primary that steps down."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from pymongo import MongoClient

from tests.conftest import database_uri
from tests.migrations_sql_to_mongo.conftest import Mover, account, command, contents
from tests.servers import ROOT

KILLS = int(os.environ.get("KILLS", "20"))
# Starting Python anew for each of many runs would take most of the time.
FORKER = """
import json, os, sys
from migrations_sql_to_mongo.cli import main
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main(json.loads(line))
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Runs:
    """Starts the tool again and again, each time in a process of its own that can be killed."""

    def __init__(self) -> None:
        self._forker = subprocess.Popen(
            [sys.executable, "-c", FORKER],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(self, arguments: list[str], kill_after_s: float | None = None) -> int:
        """Run a command, kill -9 it after some time, and return its exit code; that of a killed one is -9."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(json.dumps(arguments) + "\n")
        pid = int(self._forker.stdout.readline())
        if kill_after_s is not None and not select.select([self._forker.stdout], [], [], kill_after_s)[0]:
            os.kill(pid, signal.SIGKILL)
        return int(self._forker.stdout.readline())

    def close(self) -> None:
        """End the process that starts them."""
        self._forker.communicate()


@pytest.mark.faults
def test_killed_tool_goes_on_and_ends_as_if_undisturbed(source: str, mongod_uri: str) -> None:
    names = [f"larder_{what}_{os.getpid()}" for what in ("undisturbed", "disturbed")]
    undisturbed, disturbed = (database_uri(mongod_uri, name) for name in names)
    rng = random.Random(os.environ.get("KILL_SEED", "larder"))
    runs = Runs()
    with MongoClient[Any](mongod_uri) as client:
        try:
            runs.run(["--help"])  # loads everything, which would count as the time of the first run
            started = time.monotonic()
            assert runs.run(command(source, undisturbed)[3:]) == 1
            took_s = time.monotonic() - started
            expected = contents(undisturbed), account(undisturbed)
            kills = 0
            states: set[str] = set()
            while kills < KILLS or "copying" not in states:
                code = runs.run(command(source, disturbed)[3:], kill_after_s=took_s * rng.uniform(0.05, 0.7))
                assert code in (-signal.SIGKILL, 1)
                kills += code == -signal.SIGKILL
                entry = client[names[1]].migrations.find_one({"_id": {"$ne": "lock"}}) or {}
                states.add(entry.get("state", "before the beginning"))
                if entry.get("state") == "done":
                    assert (contents(disturbed), account(disturbed)) == expected
                    client.drop_database(names[1])
            assert runs.run(command(source, disturbed)[3:]) == 1

            assert (contents(disturbed), account(disturbed)) == expected
        finally:
            runs.close()
            for name in names:
                client.drop_database(name)


def test_interrupted_by_the_operator_goes_on(source: str, target_uri: str) -> None:
    process = subprocess.Popen(command(source, target_uri), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with MongoClient[Any](target_uri) as client:
        for _ in range(1000):
            if client.get_default_database().migrations.find_one({"checkpoint.batches": {"$gt": 1}}):
                break
            time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 3
    assert err.decode().count("\n") == 1
    assert Mover(source, target_uri)("run").code == 1
