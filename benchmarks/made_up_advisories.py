"""Made-up advisories with the shape of OSV's PyPI dump: malicious packages, GitHub's and PyPA's, and a zip of them."""

import json
import random
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST_DAY = datetime(2018, 1, 1, tzinfo=UTC)
TEXT = "A crafted request makes the parser read past the end of its buffer, which discloses memory of the process. "
VECTORS = (
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
    "CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N",
)
# Dumps of 2026 hold more malicious packages than anything else.
KINDS = ("MAL",) * 6 + ("GHSA",) * 2 + ("PYSEC",) * 2
# How many of its first packages have most of PyPA's and GitHub's advisories.
POPULAR = 400


def records(count: int, *, modified: Iterable[int] = ()) -> Iterator[dict[str, Any]]:
    """Yield so many records, always the same ones; those with the numbers in `modified` as they are a day later."""
    later = set(modified)
    for number in range(count):
        yield record(number, is_later=number in later)


def record(number: int, *, is_later: bool = False) -> dict[str, Any]:
    """Return one record."""
    chance = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    published = FIRST_DAY + timedelta(minutes=70 * number)
    modified = published + timedelta(days=1 + is_later)
    found: dict[str, Any] = {
        "id": f"{kind}-{published.year}-{number}",
        "modified": f"{modified:%Y-%m-%dT%H:%M:%S}.{number % 1000:03}Z",
        "published": f"{published:%Y-%m-%dT%H:%M:%SZ}",
        "aliases": [f"CVE-{published.year}-{number}"],
        "details": TEXT * chance.randrange(3, 30) + ("Corrected." if is_later else ""),
        "references": [{"type": "ADVISORY", "url": f"https://example.org/advisory/{number}/{n}"} for n in range(5)],
        "schema_version": "1.7.3",
    }
    if number % 50 == 49:
        found["withdrawn"] = found["modified"]
    if kind == "MAL":
        found |= {"summary": f"Malicious code in harmless-{number} (PyPI)"}
        versions = [f"{n}.0" for n in range(chance.randrange(1, 4))]
        found["affected"] = [affected(f"harmless-{number}", [], versions)]
        return found
    packages = [f"package-{chance.randrange(POPULAR)}" for _ in range(1 if kind == "PYSEC" else chance.randrange(1, 3))]
    versions = [f"{major}.{minor}" for major in range(1, 6) for minor in range(chance.randrange(4, 30))]
    events = ranges(chance, versions)
    if kind == "GHSA":
        found |= {"summary": "Reads past the end of a buffer"}
        found["severity"] = [{"type": "CVSS_V3", "score": VECTORS[number % 3]}]
        if number % 40 == 7:
            found["severity"] = [{"type": "CVSS_V4", "score": VECTORS[3]}]
        found["affected"] = [affected(name, events, []) for name in packages]
    else:
        found["affected"] = [affected(packages[0], events, versions[: len(versions) // 2])]
    return found


def ranges(chance: random.Random, versions: list[str]) -> list[dict[str, str]]:
    """Return the events of one or two ranges."""
    points = sorted(chance.sample(range(len(versions)), 4))
    events = [{"introduced": "0" if chance.random() < 0.5 else versions[points[0]]}, {"fixed": versions[points[1]]}]
    if chance.random() < 0.4:
        events += [{"introduced": versions[points[2]]}, {"last_affected": versions[points[3]]}]
    return events


def affected(name: str, events: list[dict[str, str]], versions: list[str]) -> dict[str, Any]:
    """Return an entry of `affected`."""
    package = {"name": name, "ecosystem": "PyPI", "purl": f"pkg:pypi/{name}"}
    in_ranges = [{"type": "ECOSYSTEM", "events": events}] if events else []
    source = f"https://github.com/example/advisories/blob/main/{name}.yaml"
    return {
        "package": package,
        "ranges": in_ranges,
        "versions": versions,
        "database_specific": {"source": source},
    }


def write_dump(path: Path, some: Iterable[dict[str, Any]]) -> None:
    """Write records as OSV's all.zip holds them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each in some:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
