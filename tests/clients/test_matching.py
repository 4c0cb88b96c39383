"""Which versions advisories affect, compared with OSV's own code, and with AboutCode's univers."""

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
# Defines `affected_by`: which of some versions an entry of `affected` names by its ranges, and `parse`.
# OSV lists the versions in a range before it answers; here they are those asked about, not those that PyPI has.
OSV = """
from google.protobuf import json_format
from osv import impact
from osv.ecosystems.pypi import PyPI
from osv.vulnerability_pb2 import Range

parse = PyPI().sort_key

class Asked(PyPI):
    def enumerate_versions(self, package, introduced, fixed=None, last_affected=None, limits=None):
        return self._get_affected_versions(sorted(package, key=parse), introduced, fixed, last_affected, limits)

def affected_by(each, versions):
    return impact.enumerate_versions(versions, Asked(), json_format.ParseDict(each, Range()))
"""
# An event is a constraint; univers sorts and pairs them by itself. It has no version that is before all others.
UNIVERS = """
from univers.version_constraint import VersionConstraint
from univers.version_range import PypiVersionRange
from univers.versions import PypiVersion as parse

COMPARATORS = {"introduced": ">=", "fixed": "<", "last_affected": "<="}

def affected_by(each, versions):
    pairs = [pair for event in each["events"] for pair in event.items() if pair != ("introduced", "0")]
    constraints = [VersionConstraint(COMPARATORS[kind], parse(text)) for kind, text in pairs]
    return [version for version in versions if parse(version) in PypiVersionRange(constraints)]
"""
PROGRAM = """
import json, sys

records, names, versions = json.load(sys.stdin)
found = {(name, version): [] for name in names for version in versions}
for record in records:
    affected = set()
    for entry in record["affected"] if "withdrawn" not in record else ():
        listed = [parse(each) for each in entry["versions"]]
        its = {version for version in versions if parse(version) in listed}
        its = its.union(*(affected_by(each, versions) for each in entry["ranges"]))
        affected |= {(entry["package"]["name"], version) for version in its}
    for pair in affected & set(found):
        found[pair].append(record["id"])
print(json.dumps([sorted(ids) for ids in found.values()]))
"""


@pytest.mark.parametrize(("requirement", "how"), [("osv==0.0.22", OSV), ("univers==32.0.1", UNIVERS)])
def test_no_difference_to_another_implementation(app: Flask, requirement: str, how: str) -> None:
    made = [each for each in records(RECORDS) if not each["id"].startswith("MAL")]
    names = [f"package-{number}" for number in range(0, POPULAR, POPULAR // PROJECTS)]
    pairs = [(name, version) for name in names for version in VERSIONS]
    Advisory.objects.raw().insert_many([derived(each) | {"record": each} for each in made])
    python = environment(requirement) / "bin" / "python"
    asked = json.dumps([made, names, VERSIONS])
    done = subprocess.run([str(python), "-c", how + PROGRAM], input=asked, capture_output=True, text=True, check=True)
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
