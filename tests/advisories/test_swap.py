"""Readers while a dump replaces the advisories: each gets all of the old ones or all of the new ones."""

import threading
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from benchmarks.made_up_advisories import records
from tests import factories
from tests.changes.test_advisories import dump_of
from webapp.changes.advisories import import_dump

IMPORTS = 4
PAGES = ["/project/package-7/", "/advisories/", "/rss/advisories.xml"]


@pytest.mark.real_server
def test_no_reader_notices_that_a_dump_is_put_in_place(app: Flask, tmp_path: Path) -> None:
    dump = dump_of(tmp_path / "all.zip", *records(1000))
    found = import_dump(dump)
    factories.package("package-7")
    queries = [{"package": {"name": f"package-{number}", "ecosystem": "PyPI"}} for number in range(40)]
    seen, stopped = Counter[str](), threading.Event()

    def ask() -> None:
        client = app.test_client()
        while not stopped.is_set():
            answer = client.post("/osv/v1/querybatch", json={"queries": queries})
            count = sum(len(each.get("vulns", [])) for each in (answer.json or {}).get("results", []))
            seen[f"{answer.status_code}, {count}"] += 1
            seen.update(str(client.get(page).status_code) for page in PAGES)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(IMPORTS):
        import_dump(dump)
    stopped.set()
    for reader in readers:
        reader.join()

    assert found.records == 1000
    assert len(seen) == 2, seen
    assert {each.partition(",")[0] for each in seen} == {"200"}, seen
