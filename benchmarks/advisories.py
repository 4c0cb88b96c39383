"""How fast a dump of advisories is imported, and imported again, beside reading and inserting it alone.

python -m benchmarks.advisories --records 60000
"""

import argparse
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson

from benchmarks.made_up_advisories import records, write_dump
from config import TestingConfig
from tests.conftest import free_port
from webapp import create_app
from webapp.changes.advisories import import_dump
from webapp.documents import DOCUMENTS, Advisory, ensure_indexes
from webapp.mongodb import embedded

TOGETHER = 500


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60_000)
    count: int = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        address = embedded.acquire(Path(folder) / "mongodb", port=free_port())

        class Config(TestingConfig):
            MONGODB_URI = address

        with create_app(Config).app_context():
            ensure_indexes(DOCUMENTS)
            dump, later = Path(folder) / "all.zip", Path(folder) / "later.zip"
            write_dump(dump, records(count))
            write_dump(later, records(count, modified=range(0, count, 100)))
            size = sum(entry.file_size for entry in zipfile.ZipFile(dump).infolist())
            print(f"{count:,} advisories, {size / count / 1000:.1f} kB each; ", end="")
            print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
            print(f"{'':<34}{'seconds':>9}{'CPU s':>9}{'a second':>10}{'memory MB':>11}")
            row("reading and inserting (floor)", count, lambda: insert_alone(dump))
            row("first import", count, lambda: import_dump(dump))
            row("the same dump again", count, lambda: import_dump(dump))
            row("a later one, 1 % changed", count, lambda: import_dump(later))
        embedded.release()


def row(name: str, count: int, act: Callable[[], object]) -> None:
    """Do something, and print what it took; the memory is the most that this process had until then."""
    started, used = time.monotonic(), time.process_time()
    act()
    seconds, used = time.monotonic() - started, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<34}{seconds:>9.1f}{used:>9.1f}{count / seconds:>10,.0f}{memory:>11.0f}", flush=True)


def insert_alone(dump: Path) -> None:
    """Read every record, and insert it as it is."""
    alone = Advisory._get_db()["alone"]
    with zipfile.ZipFile(dump) as archive:
        names = archive.namelist()
        for start in range(0, len(names), TOGETHER):
            alone.insert_many([orjson.loads(archive.read(name)) for name in names[start : start + TOGETHER]])
    alone.drop()


if __name__ == "__main__":
    main()
