"""How fast the whole database is dumped, loaded and checked, beside reading it alone.

python -m benchmarks.inspection --packages 20000
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from pymongo.database import Database

from benchmarks.packages import made_up
from config import TestingConfig
from tests.conftest import free_port
from webapp import create_app
from webapp.documents import Package
from webapp.inspection.check import check
from webapp.inspection.dump import READ, dump
from webapp.inspection.extended_json import RAW
from webapp.inspection.load import load
from webapp.mongodb import embedded

# Real projects have a dozen releases.
RELEASES = 12
TOGETHER = 1000


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=20_000)
    packages: int = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as folder:
        address = embedded.acquire(Path(folder) / "mongodb", port=free_port())

        class Config(TestingConfig):
            MONGODB_URI = address
            # Seconds are what is measured here.
            MONGODB_TIMEOUT_MS = 600_000

        with create_app(Config).app_context():
            measure(Package._get_db(), Path(folder), packages)
        embedded.release()


def measure(database: Database[Any], folder: Path, packages: int) -> None:
    """Fill the database, and print what each act takes."""
    size = fill(database, packages)
    print(f"{packages:,} packages of {size / packages / 1000:.1f} kB, {size / 1e6:,.0f} MB; ", end="")
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(f"{'':<24}{'seconds':>10}{'packages/s':>12}{'MB/s':>8}{'memory MB':>11}")
    row("reading alone (floor)", packages, size, lambda: read(database))
    row("db dump", packages, size, lambda: dump(database, folder / "dump", quiet))
    row("db load", packages, size, lambda: load(database.client["loaded"], folder / "dump", quiet))
    row("db check", packages, size, lambda: sum(1 for _ in check()))


def row(name: str, packages: int, size: int, act: Callable[[], object]) -> None:
    """Do something, and print what it took; the memory is the most that this process had until then."""
    started = time.monotonic()
    act()
    seconds = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<24}{seconds:>10.1f}{packages / seconds:>12,.0f}{size / 1e6 / seconds:>8.0f}{memory:>11.0f}")


def fill(database: Database[Any], packages: int) -> int:
    """Write as many packages; return the bytes of their documents."""
    package = made_up("project", releases=RELEASES)
    package.clean()
    son = package.to_mongo().to_dict()
    numbers = count()
    while (first := next(numbers)) < packages:
        batch = [first, *(next(numbers) for _ in range(min(TOGETHER, packages - first) - 1))]
        database["packages"].insert_many([{**son, "_id": f"project-{n}", "name": f"project-{n}"} for n in batch])
    stats = database.command({"collStats": "packages"})
    return int(stats["size"])


def read(database: Database[Any]) -> None:
    """Let the server send every document, and do nothing with it."""
    for document in database.get_collection("packages", RAW).find({}, batch_size=READ):
        document.raw  # noqa: B018 - this is what the others begin with


def quiet(_line: str) -> None:
    """Report nothing."""


if __name__ == "__main__":
    main()
