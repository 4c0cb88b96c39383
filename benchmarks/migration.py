"""How fast `migrations_sql_to_mongo` is: `make bench NAME=migration`.

A synthetic SQLite source of the chosen size is moved into an embedded mongod. Each part runs in a process of its own,
so that its peak of memory is its own, and all of them in the same minutes, so that they may be compared:

- floor: one process that reads packages and releases in key order, assembles the dicts and inserts them, nothing else;
- plan, run and verify of the migration, as the command calls them;
- save: one mongoengine document after the other, as the site that this one succeeds was moved.

`run` is given without its own verification and without rendering, which the floor does not have either; both stand
beside it. Descriptions are short here, and only some packages have one: rendering is proportional to their text.
"""

import argparse
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks.migration_floor import floor, floor_of_both, floor_release
from migrations_sql_to_mongo.copying import Copy
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.ledger import Entry, Ledger
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.run import Options, run
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.swap import rejects_collection
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target, open_target
from migrations_sql_to_mongo.verify import verify
from webapp.mongodb import embedded

ROOT = Path(__file__).resolve().parents[1]

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR, email VARCHAR, hashed_password VARCHAR,
                    created_date DATETIME, profile_image_url VARCHAR, last_login DATETIME);
CREATE TABLE packages (id VARCHAR PRIMARY KEY, created_date DATETIME, summary VARCHAR, description VARCHAR,
                       home_page VARCHAR, docs_url VARCHAR, package_url VARCHAR, author_name VARCHAR,
                       author_email VARCHAR, license VARCHAR);
CREATE TABLE releases (id INTEGER PRIMARY KEY, major_ver BIGINT, minor_ver BIGINT, build_ver BIGINT,
                       created_date DATETIME, comment VARCHAR, url VARCHAR, size BIGINT, package_id VARCHAR);
CREATE TABLE maintainers (user_id INTEGER, package_id VARCHAR, PRIMARY KEY (user_id, package_id));
CREATE TABLE licenses (id VARCHAR PRIMARY KEY, created_date DATETIME, description VARCHAR);
CREATE TABLE languages (id VARCHAR PRIMARY KEY, created_date DATETIME, description VARCHAR);
CREATE TABLE downloads (id BIGINT PRIMARY KEY, created_date DATETIME, package_id VARCHAR, release_id BIGINT,
                        ip_address VARCHAR, user_agent VARCHAR);
CREATE TABLE auditing (id VARCHAR PRIMARY KEY, created_date DATETIME, description VARCHAR);
CREATE INDEX by_package ON releases (package_id);
"""
WORDS = (
    "async",
    "client",
    "data",
    "fast",
    "graph",
    "http",
    "json",
    "parser",
    "queue",
    "simple",
    "tools",
    "web",
    "yaml",
)
START = datetime(2010, 1, 1)  # noqa: DTZ001 -- the old site's times are naive
SAVED = 2000  # packages that the slow way gets


def make_source(path: Path, packages: int, releases: int, users: int, described: int, *, is_even: bool = False) -> None:
    """Fill an SQLite file; the same numbers make the same rows. Packages may all have as many releases."""
    rng = random.Random(1)
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    for table in ("licenses", "languages"):
        db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", [(f"{table}-{n}", str(START), "x") for n in range(20)])
    db.executemany(
        "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (n, f"User {n}", f"user{n}@example.org", "$6$rounds=171204$" + "x" * 86, _day(n), None, _day(n + 9))
            for n in range(1, users + 1)
        ),
    )
    names = [f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{number}" for number in range(packages)]
    db.executemany(
        "INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (_package_row(name, number, number < described) for number, name in enumerate(names)),
    )
    db.executemany(
        "INSERT INTO maintainers VALUES (?, ?)", ((1 + n % users, name) for n, name in enumerate(names) if users)
    )
    db.executemany(
        "INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _release_rows(rng, names, releases, is_even)
    )
    db.commit()
    db.close()


def _day(number: int) -> str:
    return f"{START + timedelta(hours=number % 100_000)}.000000"


def _package_row(name: str, number: int, described: bool) -> tuple[Any, ...]:  # noqa: FBT001
    description = f"{name}\n{'=' * len(name)}\n\nIt does *one* thing.\n\n- fast\n- small\n" if described else None
    url = f"https://github.com/example/{name}"
    summary = f"A {name.replace('-', ' ')} library for Python that does one thing well"
    return (name, _day(number), summary, description, url, None, f"https://pypi.org/project/{name}/",
            f"Author {number}", f"author{number}@example.org", f"licenses-{number % 20}")  # fmt: skip


def _release_rows(
    rng: random.Random,
    names: list[str],
    count: int,
    is_even: bool,  # noqa: FBT001
) -> Iterator[tuple[Any, ...]]:
    """A few projects have very many releases, most have some. Versions repeat between projects, as real ones do."""
    number = 0
    for index, name in enumerate(names):
        left, packages = count - number, len(names) - index
        share = 1 if is_even else rng.lognormvariate(0, 1) * 0.606
        wanted = left if packages == 1 else min(left, max(1, round(share * left / packages)))
        version = [rng.choice((0, 0, 1)), rng.randrange(3), 0]
        for _ in range(wanted):
            number += 1
            part = rng.choices((0, 1, 2), (1, 6, 12))[0]
            version = [*version[:part], version[part] + 1, *[0] * (2 - part)]
            text = ".".join(map(str, version)) + ("rc1" if rng.random() < 0.03 else "")
            path = f"{rng.randrange(16**60):060x}"
            url = f"https://files.pythonhosted.org/packages/{path[:2]}/{path[2:4]}/{path[4:]}/{name}-{text}.tar.gz"
            yield number, *version, _day(number), "", url, rng.randrange(1_000, 9_000_000), name


def plan_part(source: Path, uri: str) -> dict[str, Any]:
    """All that `plan` does."""
    del uri
    tally = Tally()
    started = time.monotonic()
    with Source(f"sqlite:///{source}", Layout()) as opened:
        for _ in Copy(opened, tally).documents():
            pass
    return {"seconds": time.monotonic() - started, "packages": tally.documents["packages"], "rows": tally.rows}


class TimedLedger(Ledger):
    """Notes the processor time that this process uses for each step of a run."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.cpu: dict[str, float] = {}
        self._since = time.process_time()

    def note(self, entry: Entry, **fields: Any) -> None:
        """Note that a step has ended."""
        if "state" in fields:
            now = time.process_time()
            self.cpu[entry["state"]] = now - self._since
            self._since = now
        super().note(entry, **fields)


def run_part(source: Path, uri: str) -> dict[str, Any]:
    """All that `run` does."""
    target = open_target(uri)
    ledger = TimedLedger(target)
    with Source(f"sqlite:///{source}", Layout()) as opened, ledger.lock("benchmark"):
        entry = run(opened, target, ledger, Options(), Progress(quiet=True))
    rows = sum(table["read"] for table in entry["tally"]["tables"].values())
    parts = entry["seconds"]
    seconds = sum(parts.values()) - parts["verifying"] - parts["rendering"]
    packages = entry["tally"]["documents"]["packages"]
    size = entry["tally"]["size_bytes"]["packages"] / packages
    return {
        "seconds": seconds,
        "packages": packages,
        "rows": rows,
        "parts": parts,
        "cpu_parts": ledger.cpu,
        "rendered": entry["rendered"],
        "size": size,
    }


def verify_part(source: Path, uri: str) -> dict[str, Any]:
    """All that `verify` does but for rendering every description again."""
    target = open_target(uri)
    entry = Ledger(target).runs()[0]
    names = {one["name"]: one["name"] for one in entry["collections"]}
    started = time.monotonic()
    with Source(f"sqlite:///{source}", Layout()) as opened:
        found = verify(opened, target, names, rejects_collection(entry["_id"]), Progress(quiet=True), render=None)
    seconds = time.monotonic() - started
    if found.count:
        raise SystemExit(f"the copy differs: {found.differences}")
    rows = sum(found.rows.values())
    return {"seconds": seconds, "packages": found.rows["packages"], "rows": rows}


def save_part(source: Path, uri: str) -> dict[str, Any]:
    """One `save()` a package."""
    import mongoengine

    from webapp.documents import Package, Release, ReleaseFile

    mongoengine.connect(host=uri)
    db = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    started = time.monotonic()
    count = 0
    for row in db.execute(f"SELECT * FROM packages ORDER BY id LIMIT {SAVED}"):
        made = []
        for release in db.execute("SELECT * FROM releases WHERE package_id = ?", (row[0],)):
            fields = floor_release(release)
            del fields["sort_key"]
            made.append(Release(**{**fields, "files": [ReleaseFile(**file) for file in fields["files"]]}))
        Package(normalized_name=row[0], name=row[0], summary=row[2], license=row[9], releases=made).save()
        count += 1
    return {"seconds": time.monotonic() - started, "packages": count}


PARTS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "floor": floor,
    "plan": plan_part,
    "run": run_part,
    "verify": verify_part,
    "save": save_part,
}


def peak_memory_mb() -> float:
    """Return the most memory that this process has held; `ru_maxrss` would count its parent's at the fork, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measured(part: str, source: Path, uri: str) -> dict[str, Any]:
    """Run one part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.migration", "--part", part, str(source), uri]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Make the source, measure each part, print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--packages", type=int, default=50_000)
    parser.add_argument("--releases", type=int, default=500_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--described", type=int, default=2_000, help="packages that have a description")
    parser.add_argument("--rounds", type=int, default=2, help="how often all is measured; the best of each counts")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part, source, uri = options.part
        found = (PARTS | {"floor_of_both": floor_of_both})[part](Path(source), uri)
        found.setdefault("cpu", time.process_time())
        found["memory_mb"] = peak_memory_mb()
        print(json.dumps(found))
        return
    folder = Path(tempfile.mkdtemp(prefix="larder-bench-"))
    try:
        measure(folder, options)
    finally:
        embedded.release()
        shutil.rmtree(folder)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Measure every part, some rounds, and print the best of each."""
    source = folder / "old.sqlite"
    make_source(source, options.packages, options.releases, options.users, options.described)
    print(
        f"source: {options.packages:,} packages, {options.releases:,} releases, {options.users:,} users, "
        f"{options.described:,} descriptions; {source.stat().st_size / 1e6:,.0f} MB of SQLite"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = MongoClient[Any](embedded.acquire(folder / "mongodb", port=port))
    best: dict[str, dict[str, Any]] = {}
    for number in range(options.rounds):
        for part in PARTS:
            database = {"verify": "run"}.get(part, part) + str(number)
            found = measured(part, source, embedded.acquire(folder / "mongodb", database=database))
            if part not in best or found["seconds"] < best[part]["seconds"]:
                best[part] = found
        for name in client.list_database_names():
            if name.endswith(str(number)):
                client.drop_database(name)
    report(best)


def report(best: dict[str, dict[str, Any]]) -> None:
    """Print a table, and how it stands to what was to be reached."""
    print(f"documents of {best['run']['size'] / 1000:.1f} kB; {os.cpu_count()} processors; best of the rounds\n")
    print(f"{'part':<8}{'seconds':>9}{'packages/s':>12}{'rows/s':>12}{'CPU s':>8}{'memory MB':>11}")
    for part, found in best.items():
        rows = f"{found['rows'] / found['seconds']:,.0f}" if "rows" in found else ""
        rate = found["packages"] / found["seconds"]
        print(
            f"{part:<8}{found['seconds']:>9.2f}{rate:>12,.0f}{rows:>12}{found['cpu']:>8.1f}{found['memory_mb']:>11.0f}"
        )
    parts = best["run"]["parts"]
    print("\nrun in parts: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items()))
    used = best["run"]["cpu_parts"]
    print("processor time of its process: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in used.items()))
    if best["run"]["rendered"] and parts["rendering"]:
        print(f"rendering: {best['run']['rendered'] / parts['rendering']:,.0f} short descriptions/s")

    def rate_of(part: str) -> float:
        return float(best[part]["packages"] / best[part]["seconds"])

    copied = sum(seconds for name, seconds in used.items() if name not in ("rendering", "verifying"))
    goals = [
        ("run, of the floor's packages/s", rate_of("run") / rate_of("floor"), ">=", 0.95),
        ("the same by processor time", best["floor"]["cpu"] / copied, ">=", 0.95),
        ("verify, of the time of the copy", best["verify"]["seconds"] / best["run"]["seconds"], "<=", 1.0),
        ("run, times as fast as save()", rate_of("run") / rate_of("save"), ">=", 15.0),
        ("memory of run, MB", best["run"]["memory_mb"], "<=", 150.0),
        ("memory of verify, MB", best["verify"]["memory_mb"], "<=", 150.0),
    ]
    print()
    for text, value, sign, goal in goals:
        reached = value >= goal if sign == ">=" else value <= goal
        print(f"{text:<34}{value:>8.2f}   goal {sign} {goal:g}   {'reached' if reached else 'NOT REACHED'}")


if __name__ == "__main__":
    main()
