"""How fast uploaded files are dumped and verified, beside another commit and beside reading them alone.

`make bench NAME=dump_beside ARGS="--baseline COMMIT"`. `flask db dump` is called as an operator calls it, in turns:
this build, then the other one, which is checked out with an environment of its own. Then a dump is killed halfway and
continued. `db load --check` verifies dumps without loading them.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import bson
from pymongo import MongoClient

from benchmarks.migration import ROOT
from benchmarks.migration_beside import checked_out
from tests.conftest import free_port
from webapp.documents.contents import CHUNK_BYTES
from webapp.inspection.dump import READ_BYTES
from webapp.mongodb import embedded

NAME = "dumped"
DUMP, CHECK = ("db", "dump"), ("db", "load", "--check")
READING = f"""
import sys
from pymongo import MongoClient
from webapp.inspection.extended_json import RAW
chunks = MongoClient(sys.argv[1])["{NAME}"].get_collection("contents.chunks", RAW)
for chunk in chunks.find({{}}, batch_size={READ_BYTES}):
    chunk.raw
"""
GOAL = 0.5
# A Python, and the folder of its build.
Build = tuple[Path, Path]
# How many chunks make a file.
FILE_CHUNKS = 20


class Cost(NamedTuple):
    """What a command took, mongod's part aside."""

    seconds: float
    cpu: float


def fill(uri: str, megabytes: int) -> int:
    """Store files that do not compress; return how many bytes of BSON they are."""
    rng = random.Random(1)
    with MongoClient[Any](uri) as client:
        database = client[NAME]
        for number in range(0, megabytes, FILE_CHUNKS):
            file = {"_id": bson.ObjectId(), "length": FILE_CHUNKS * CHUNK_BYTES, "filename": f"{number}.whl"}
            database["contents.files"].insert_one(file)
            database["contents.chunks"].insert_many(
                {"files_id": file["_id"], "n": n, "data": rng.randbytes(CHUNK_BYTES)} for n in range(FILE_CHUNKS)
            )
        return int(database.command("dbStats")["dataSize"])


def cost_of(line: list[str], folder: Path, uri: str, kill_at: tuple[Path, int] | None = None) -> Cost:
    """Run a program, and return what it took; kill it when a file has so many bytes."""
    # Imports are compiled once, as they are where the program is installed.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"MONGODB_URI": uri, "LARDER_ENV": "development"}
    started = time.monotonic()
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, cwd=folder, env=env)
    if kill_at:
        path, size = kill_at
        while not (path.exists() and path.stat().st_size >= size):
            time.sleep(0.01)
        process.kill()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not kill_at:
        raise SystemExit(f"{' '.join(line)} ended with exit code {process.returncode}")
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime)


def flask(build: Build, *command: str) -> list[str]:
    """Return the line that calls a command of a build."""
    return [str(build[0]), "-m", "flask", "--app", "app", *command]


def row(what: str, cost: Cost, size: int) -> None:
    """Print what a command took for so many bytes."""
    rates = f"{size / 1e6 / cost.seconds:>9.0f}{size / 1e6 / cost.cpu:>16.0f}"
    print(f"{what:<32}{cost.seconds:>9.1f}{cost.cpu:>11.1f}{rates}", flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--baseline", help="a commit to measure beside this build")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="larder-bench-"))
    other = folder / "other"
    try:
        builds: dict[str, Build] = {"now": (Path(sys.executable), ROOT)}
        if options.baseline:
            builds[options.baseline[:10]] = (checked_out(options.baseline, other), other)
        uri = embedded.acquire(folder / "mongodb", database=NAME, port=free_port())
        measure(folder, uri, builds, options.rounds, options.megabytes)
    finally:
        embedded.release()
        if other.exists():
            subprocess.run(["git", "worktree", "remove", "--force", other], check=True, cwd=ROOT)
        shutil.rmtree(folder)


def measure(folder: Path, uri: str, builds: dict[str, Build], rounds: int, megabytes: int) -> None:
    """Measure everything on one database, and print a table."""
    size = fill(uri, megabytes)
    print(f"{size / 1e6:,.0f} MB of files; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    print(f"best of {rounds} rounds by processor time; that of mongod is not counted\n")
    print(f"{'':<32}{'seconds':>9}{'processor':>11}{'MB/s':>9}{'MB/processor s':>16}")
    here = builds["now"]
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds):
        costs.setdefault("reading alone (floor)", []).append(cost_of([str(here[0]), "-c", READING, uri], ROOT, uri))
        for name, build in builds.items():
            target = folder / f"{name}-{number}"
            dump = cost_of(flask(build, *DUMP, str(target)), build[1], uri)
            costs.setdefault(f"db dump, {name}", []).append(dump)
            if build is here:
                verify = cost_of(flask(build, *CHECK, str(target)), ROOT, uri)
                costs.setdefault("db load --check, now", []).append(verify)
            shutil.rmtree(target)
    best = {what: min(found, key=lambda cost: cost.cpu) for what, found in costs.items()}
    for what, cost in best.items():
        row(what, cost, size)

    halfway, written = folder / "halfway", folder / "halfway.partial" / "contents.chunks.bson"
    row(
        "db dump, killed halfway", cost_of(flask(here, *DUMP, str(halfway)), ROOT, uri, (written, size // 2)), size // 2
    )
    row("the same command again", cost_of(flask(here, *DUMP, str(halfway)), ROOT, uri), size)
    row("db load --check of that", cost_of(flask(here, *CHECK, str(halfway)), ROOT, uri), size)
    if len(builds) == 2:
        now, before = (best[f"db dump, {name}"] for name in builds)
        parts = (now.cpu / before.cpu, now.seconds / before.seconds)
        said = "reached" if max(parts) <= GOAL else "NOT REACHED"
        print(f"\nnow, of the other build's processor time: {parts[0]:.2f}; of its seconds: {parts[1]:.2f}", end="")
        print(f"   goal <= {GOAL:g}   {said}")


if __name__ == "__main__":
    main()
