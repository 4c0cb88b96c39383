"""Which versions advisories affect, compared with univers, AboutCode's own implementation of version ranges."""

import json
import subprocess
from typing import Any

import pytest
from flask import Flask

from benchmarks.made_up_advisories import POPULAR, records
from tests.clients.programs import environment
from webapp.changes.advisories import derived
from webapp.documents import Advisory
from webapp.rules import osv

pytestmark = [pytest.mark.real_server, pytest.mark.clients]

RECORDS = 3000
PROJECTS = 60
VERSIONS = ["0", "0.dev1", "0.9", "1.0rc1", "1.0", "1.0.0", "1.3.post2", "1.4+local.1", "1.10", "1.10.dev3", "2.2a1",
            "2.2", "v2.7", "3.0-1", "3.5", "4.9", "4.21.5", "5.12rc2", "5.28", "1!1.0"]  # fmt: skip
# An event is a constraint; univers sorts and pairs them by itself. It has no version that is before all others.
PROGRAM = """
import json, sys
from univers.version_constraint import VersionConstraint
from univers.version_range import PypiVersionRange
from univers.versions import PypiVersion

COMPARATORS = {"introduced": ">=", "fixed": "<", "last_affected": "<="}

def affects(entry, version):
    if any(PypiVersion(each) == version for each in entry["versions"]):
        return True
    for events in (each["events"] for each in entry["ranges"]):
        pairs = [pair for event in events for pair in event.items() if pair != ("introduced", "0")]
        constraints = [VersionConstraint(COMPARATORS[kind], PypiVersion(text)) for kind, text in pairs]
        if version in PypiVersionRange(constraints):
            return True
    return False

records, pairs = json.load(sys.stdin)
print(json.dumps([
    sorted(record["id"] for record in records if "withdrawn" not in record and any(
        entry["package"]["name"] == name and affects(entry, PypiVersion(version)) for entry in record["affected"]))
    for name, version in pairs
]))
"""


def test_no_difference_to_another_implementation(app: Flask) -> None:
    made = [each for each in records(RECORDS) if not each["id"].startswith("MAL")]
    pairs = [
        (f"package-{number}", version) for number in range(0, POPULAR, POPULAR // PROJECTS) for version in VERSIONS
    ]
    Advisory.objects.raw().insert_many([derived(each) | {"record": each} for each in made])
    python = environment("univers==32.0.1") / "bin" / "python"
    done = subprocess.run(
        [str(python), "-c", PROGRAM], input=json.dumps([made, pairs]), capture_output=True, text=True, check=True
    )
    theirs: list[list[str]] = json.loads(done.stdout)

    ours = [answer(app, name, version) for name, version in pairs]
    in_mongodb = [
        sorted(each.id for each in Advisory.objects.affecting(name, osv.sort_key(version)).standing().only("id"))
        for name, version in pairs
    ]

    assert len(pairs) >= 500
    assert sum(map(len, theirs)) > len(pairs) / 2
    assert ours == theirs
    assert in_mongodb == theirs


def answer(app: Flask, name: str, version: str) -> list[str]:
    """The ids that `/osv/v1/querybatch` returns."""
    query: dict[str, Any] = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
    response = app.test_client().post("/osv/v1/querybatch", json={"queries": [query]})
    (result,) = (response.json or {})["results"]
    return [each["id"] for each in result.get("vulns", [])]
