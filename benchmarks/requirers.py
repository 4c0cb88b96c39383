"""How long the pages take that follow requirements: whom an advisory reaches, and which advisories reach a project.

python -m benchmarks.requirers --packages 50000
"""

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient
from pymongo import UpdateOne

from benchmarks.catalogue import loading
from config import TestingConfig
from tests import factories
from tests.conftest import free_port
from webapp import create_app
from webapp.documents import DOCUMENTS, Package, ensure_indexes
from webapp.documents.dependents import MOST
from webapp.mongodb import embedded
from webapp.rules.naming import required_names

ROUNDS = 5
RANGES = ("", ">=0.0.1", ">=0.0.1,!=99", ">=0", "<9999", "==0.0.0.1")
# The most required packages are required by as many as numpy and requests are, and the last ones by few.
SKEW = 6


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=50_000)
    packages: int = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as folder:
        address = embedded.acquire(Path(folder) / "mongodb", port=free_port())

        class Config(TestingConfig):
            MONGODB_URI = address
            MONGODB_TIMEOUT_MS = 60_000
            STATS_MAX_AGE_S = 3600

        app = create_app(Config)
        with app.app_context():
            ensure_indexes(DOCUMENTS)
            loading.load(packages, 1, 2, address, lambda _: None)
            loading.finish()
            names = with_requirements()
            factories.advisory("PYSEC-2026-0", names[0], fixed="9999")
            print(f"{packages:,} packages; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
            print(f"{'':<44}{'reached':>9}{'median s':>10}{'CPU s':>8}")
            floor(names[0])
            for number in (0, 10, 100, 1000, len(names) - 1):
                if number:
                    factories.advisory(f"PYSEC-2026-{number}", names[number], fixed="9999")
                found = len(Package.objects.raw().distinct("_id", {"requires": names[number]}))
                row(
                    app.test_client(), f"advisory about one that {found:,} require", f"/advisories/PYSEC-2026-{number}/"
                )
            for name in (names[-1], names[len(names) // 2]):
                row(app.test_client(), "advisories of all that a project requires", f"/project/{name}/advisories/")
            row(app.test_client(), "feed of advisories", "/rss/advisories.xml")
        embedded.release()


def floor(name: str) -> None:
    """Read as many packages as a page looks at, and do nothing with them."""
    fields = {"name": 1, "requires_dist": 1, "latest.version": 1}
    times, used = [], cpu_s()
    for _ in range(ROUNDS):
        started = time.monotonic()
        count = len(list(Package.objects.raw().find({"requires": name}, fields).limit(MOST)))
        times.append(time.monotonic() - started)
    spent = (cpu_s() - used) / ROUNDS
    print(
        f"{'reading packages alone (floor)':<44}{count:>9,}{sorted(times)[ROUNDS // 2]:>10.2f}{spent:>8.2f}", flush=True
    )


def with_requirements() -> list[str]:
    """Let each package require some of those before it, the first ones most often; return the names."""
    chance, packages = random.Random(1), Package.objects.raw()
    names = [str(son["_id"]) for son in packages.find({}, {"_id": 1})]
    chance.shuffle(names)
    changes = []
    for number, name in enumerate(names):
        places = {int(number * chance.random() ** SKEW) for _ in range(chance.choice((0, 1, 2, 3, 5, 8)))}
        texts = [f"{names[place]}{chance.choice(RANGES)}" for place in sorted(places) if place < number]
        changes.append(UpdateOne({"_id": name}, {"$set": {"requires_dist": texts, "requires": required_names(texts)}}))
    for start in range(0, len(changes), 1000):
        packages.bulk_write(changes[start : start + 1000], ordered=False)
    return names


def cpu_s() -> float:
    """Return the processor time of this process and of the server so far."""
    server = Package._get_db().command("serverStatus")["pid"]
    user, system = Path(f"/proc/{server}/stat").read_text().rpartition(") ")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def row(client: FlaskClient, what: str, address: str) -> None:
    """Request a page some times, and print the median."""
    times, used = [], cpu_s()
    for _ in range(ROUNDS):
        started = time.monotonic()
        response = client.get(address)
        times.append(time.monotonic() - started)
        assert response.status_code == 200, response.text
    reached = response.text.partition(" require")[0].rpartition(">")[2].strip().split()
    count = next((word for word in reached if word.replace(",", "").isdecimal()), "")
    print(
        f"{what:<44}{count:>9}{sorted(times)[ROUNDS // 2]:>10.2f}{(cpu_s() - used) / ROUNDS:>8.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
