"""How fast the move's commands are beside those of another commit, and how long catch-up takes.

`make bench NAME=migration_beside ARGS="--baseline COMMIT"`. `run` and `verify` are called as an operator calls them, in
turns: this build, then the other one, which is checked out with an environment of its own. Two sources: the synthetic
one of `benchmarks.migration`, and one whose packages all have long descriptions: those of ../shared/data/pypi-json with
variations where they are, otherwise ones that are made up. Then a source of which one package in a hundred changes is
moved, changed and caught up with.
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
from pathlib import Path
from typing import NamedTuple

from benchmarks.migration import ROOT, WORDS, make_source, measured
from webapp.mongodb import embedded

DOCUMENTS = ROOT.parent / "shared" / "data" / "pypi-json"
PARAGRAPHS = 30
Times = dict[str, float]


def texts() -> list[str]:
    """Return long descriptions: real ones, or made up ones with headings, lists, code and links."""
    found = [json.loads(path.read_text())["info"]["description"] or "" for path in sorted(DOCUMENTS.glob("*.json"))]
    if found:
        print(f"descriptions: {len(found)} real ones, with variations")
        return found
    rng = random.Random(2)
    print("descriptions: made up")
    return ["\n".join(_paragraph(rng) for _ in range(PARAGRAPHS)) for _ in range(70)]


def _paragraph(rng: random.Random) -> str:
    words = " ".join(rng.choices(WORDS, k=40))
    title = " ".join(rng.choices(WORDS, k=3))
    return f"{title}\n{'-' * len(title)}\n\n{words}, see `the docs <https://example.org/{title[:4]}>`_.\n\n* *{words[:20]}*\n* ``{words[:9]}``\n\n::\n\n    {words[:60]}\n"  # noqa: E501 -- one paragraph


def describe(source: Path, packages: int) -> None:
    """Give every package a long description, no two the same."""
    long = texts()
    with sqlite3.connect(source) as db:
        names = [row[0] for row in db.execute("SELECT id FROM packages ORDER BY id LIMIT ?", (packages,))]
        rows = [(f"{long[number % len(long)]}\n\nAbout {name}.\n", name) for number, name in enumerate(names)]
        db.executemany("UPDATE packages SET description = ? WHERE id = ?", rows)
    db.close()
    print(f"{packages:,} of them, {sum(len(text) for text, _ in rows) / len(rows) / 1000:.1f} kB on average")


def change(source: Path, one_in: int) -> None:
    """Change one package in so many, as an old site that goes on does: a release more, another summary."""
    with sqlite3.connect(source) as db:
        db.execute("UPDATE packages SET summary = summary || '!' WHERE rowid % ? = 0", (one_in,))
        db.execute(
            "INSERT INTO releases (id, package_id, major_ver, minor_ver, build_ver) "
            "SELECT (SELECT max(id) FROM releases) + rowid, id, 99, 0, 0 FROM packages WHERE rowid % ? = 0",
            (one_in,),
        )
    db.close()


class Cost(NamedTuple):
    """What a command took, mongod's part aside."""

    seconds: float
    cpu: float  # of its processes
    memory_mb: float  # of the largest of them


def timed(python: Path, folder: Path, source: Path, uri: str, *command: str) -> Cost:
    """Call a command of the move, and return what it took. It may reject rows."""
    line = [str(python), "-m", "migrations_sql_to_mongo", *command, "--source", f"sqlite:///{source}"]
    # Imports are compiled once, as they are where the program is installed.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.monotonic()
    process = subprocess.Popen([*line, "--target", uri, "--quiet"], stdout=subprocess.DEVNULL, cwd=folder, env=env)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode > 1:
        raise SystemExit(f"{command[0]} ended with exit code {process.returncode}")
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def lengthy(path: Path, packages: int, characters: int) -> None:
    """Make a source whose packages all have descriptions of this length: the long ones, one after the other."""
    make_source(path, packages, packages * 10, 100, 0)
    together = "\n\n".join(texts())
    together *= 1 + 2 * characters // len(together)
    with sqlite3.connect(path) as db:
        names = [row[0] for row in db.execute("SELECT id FROM packages ORDER BY id")]
        starts = [number * 1000 % characters for number in range(packages)]
        # Not all at once: what this process holds would count as memory of those that it starts.
        rows = ((together[start : start + characters], name) for start, name in zip(starts, names, strict=True))
        db.executemany("UPDATE packages SET description = ? WHERE id = ?", rows)
    db.close()


def crowded(path: Path, package: str | None, releases: int) -> None:
    """Make a source whose releases are all those of one package, or of none."""
    make_source(path, 20, 100, 20, 0)
    with sqlite3.connect(path) as db:
        if package:
            db.execute("INSERT INTO packages (id) VALUES (?)", (package,))
        rows = (
            (
                1_000_000 + n,
                n // 1000,
                n % 1000,
                0,
                f"https://example.org/{n:060x}/huge-{n // 1000}.{n % 1000}.0.tar.gz",
            )
            for n in range(releases)
        )
        insert = "INSERT INTO releases (id, major_ver, minor_ver, build_ver, url, package_id) VALUES (?, ?, ?, ?, ?, ?)"
        db.executemany(insert, ((*row, package or f"gone-{row[0] // 100}") for row in rows))
    db.close()


def checked_out(commit: str, folder: Path) -> Path:
    """Check a commit out, install what it names, and return its Python."""
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, commit], check=True, cwd=ROOT)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / ".venv"], check=True)
    python = folder / ".venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", folder / "requirements.txt"], check=True)
    return python


def beside(builds: dict[str, tuple[Path, Path]], source: Path, rounds: int, uris: Iterator[str]) -> dict[str, Times]:
    """Measure run and verify of each build in turns, and return the best of the rounds."""
    best: dict[str, Times] = {}
    for _ in range(rounds):
        for name, (python, folder) in builds.items():
            uri = next(uris)
            costs = {command: timed(python, folder, source, uri, command) for command in ("run", "verify")}
            found = {command: cost.cpu for command, cost in costs.items()}
            found["both"] = sum(found.values())
            found["clock"] = sum(cost.seconds for cost in costs.values())
            found["memory"] = max(cost.memory_mb for cost in costs.values())
            kept = best.setdefault(name, found)
            best[name] = min(kept, found, key=lambda one: one["both"])
    return best


def report(title: str, best: dict[str, Times], goal: float) -> None:
    """Print a table, and what part of the other build's time this one takes."""
    print(f"\n{title}, processor seconds")
    print(f"{'build':<12}{'run':>9}{'verify':>10}{'both':>9}{'by the clock':>14}{'memory MB':>11}")
    for name, found in best.items():
        times = f"{found['run']:>9.2f}{found['verify']:>10.2f}{found['both']:>9.2f}{found['clock']:>14.2f}"
        print(f"{name:<12}{times}{found['memory']:>11.0f}")
    if len(best) == 2:
        now, before = (each["both"] for each in best.values())
        said = "reached" if now <= goal * before else "NOT REACHED"
        print(f"now, of the other build's time: {now / before:.2f}   goal <= {goal:g}   {said}")
        now, before = (each["clock"] for each in best.values())
        print(f"by the clock: {now / before:.2f}", flush=True)


def main() -> None:
    """Measure both, and print what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--baseline", default=os.environ.get("BASELINE"), help="a commit to measure beside this build")
    parser.add_argument("--packages", type=int, default=50_000)
    parser.add_argument("--releases", type=int, default=500_000)
    parser.add_argument("--described", type=int, default=1_000, help="packages with long descriptions")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="larder-bench-"))
    other = folder / "other"
    try:
        builds = {"now": (Path(sys.executable), ROOT)}
        if options.baseline:
            builds[options.baseline[:10]] = (checked_out(options.baseline, other), other)
        measure(folder, builds, options)
    finally:
        embedded.release()
        if other.exists():
            subprocess.run(["git", "worktree", "remove", "--force", other], check=True, cwd=ROOT)
        shutil.rmtree(folder)


def catching_up(build: tuple[Path, Path], source: Path, uri: str, title: str) -> None:
    """Measure a run, and a catch-up after one package in a hundred has changed."""
    before = timed(*build, source, uri, "run")
    change(source, 100)
    after = timed(*build, source, uri, "catch-up")
    said = "reached" if after.cpu < before.cpu / 10 else "NOT REACHED"
    print(f"\n{title}, of which 1 % changed:")
    print(f"processor seconds: run {before.cpu:.1f}, catch-up {after.cpu:.1f}, {after.cpu / before.cpu:.3f} of it")
    print(f"by the clock: run {before.seconds:.1f}, catch-up {after.seconds:.1f}")
    print(f"goal < 0.1   {said}", flush=True)


def measure(folder: Path, builds: dict[str, tuple[Path, Path]], options: argparse.Namespace) -> None:
    """Measure the three sources one after the other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    embedded.acquire(folder / "mongodb", port=port)
    uris = (embedded.acquire(folder / "mongodb", database=f"target{number}") for number in range(1000))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; best of {options.rounds} rounds")

    described = folder / "described.sqlite"
    make_source(described, options.described, options.described * 10, 100, 0)
    describe(described, options.described)
    for python, home in builds.values():
        timed(python, home, described, next(uris), "plan")  # so that both have compiled what they import
    report("long descriptions", beside(builds, described, options.rounds, uris), 0.4)

    synthetic = folder / "synthetic.sqlite"
    make_source(synthetic, options.packages, options.releases, options.packages, options.packages // 25)
    print(f"\nsynthetic: {options.packages:,} packages, {options.releases:,} releases")
    report("synthetic", beside(builds, synthetic, options.rounds, uris), 0.6)
    floors = [measured("floor", synthetic, next(uris)) for _ in range(options.rounds)]
    cpu, clock = (min(each[name] for each in floors) for name in ("cpu", "seconds"))
    print(f"floor: {cpu:.1f} processor seconds, {clock:.1f} by the clock; it reads both tables and inserts", flush=True)
    both = min(float(measured("floor_of_both", synthetic, next(uris))["cpu"]) for _ in range(options.rounds))
    print(f"floor of both: {both:.1f}; it also reads and compares all, renders, reads again, and compares digests")

    here = builds["now"]
    catching_up(here, synthetic, next(uris), f"{options.packages:,} packages, one in 25 with a short description")
    describe(synthetic, options.packages // 10)
    catching_up(here, synthetic, next(uris), f"{options.packages:,} packages, a tenth of them with long descriptions")

    print(f"\n{'memory in MB':<40}{'run':>9}{'verify':>10}   goal < 150")
    sources: dict[str, Callable[[Path], None]] = {
        "one package with 100,000 releases": lambda path: crowded(path, "huge", 100_000),
        "250 packages with 2,000 releases each": lambda path: make_source(path, 250, 500_000, 20, 0, is_even=True),
        "300,000 rejected rows": lambda path: crowded(path, None, 300_000),
        "1,000 descriptions of 180 kB": lambda path: lengthy(path, 1_000, 180_000),
    }
    for number, (title, make) in enumerate(sources.items()):
        source, uri = folder / f"large{number}.sqlite", next(uris)
        make(source)
        run = timed(*here, source, uri, "run", "--max-reject-share", "100").memory_mb
        print(f"{title:<40}{run:>9.0f}{timed(*here, source, uri, 'verify').memory_mb:>10.0f}", flush=True)
        source.unlink()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
