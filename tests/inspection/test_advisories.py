"""What a check finds about advisories, and what a repair does about it."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import factories
from tests.changes.test_advisories import dump_of
from webapp.changes.advisories import add_own, import_dump
from webapp.documents import Advisory
from webapp.inspection.check import check

pytestmark = pytest.mark.real_server


def found() -> list[tuple[Any, ...]]:
    """What a check says about advisories now."""
    return [finding[1:4] for finding in check() if finding.collection.startswith("advisor")]


def change(change: dict[str, Any]) -> None:
    Advisory.objects.raw().update_one({"_id": "PYSEC-1"}, change)


def test_what_an_import_wrote_keeps_the_rules(app: Flask, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(factories.record("ACME-1", "private", withdrawn="2026-11-02T00:00:00.5Z")))
    import_dump(dump_of(tmp_path / "all.zip", factories.record("PYSEC-1"), factories.record("MAL-3", versions=["1.0"])))
    add_own(own)

    assert found() == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"$set": {"severity": "low"}}, "severity"),
        ({"$set": {"affects.0.ranges.0.end": "a9!"}}, "affects"),
        ({"$unset": {"modified_at": "", "summary": ""}}, "modified_at, summary"),
        ({"$set": {"score": 9.8, "aliases": ["CVE-1"]}}, "aliases, score"),
        ({"$set": {"record.summary": "Corrected"}}, "summary"),
    ],
)
def test_fields_that_do_not_follow_from_the_record_are_found_and_derived_again(
    app: Flask, runner: FlaskCliRunner, changed: dict[str, Any], what: str
) -> None:
    factories.advisory("PYSEC-1")
    change(changed)

    assert found() == [("PYSEC-1", "derived", f"not as its record says: {what}")]
    assert "repaired" in runner.invoke(args=["db", "repair"]).output
    assert found() == []


def test_unusable_record_is_found(app: Flask) -> None:
    factories.advisory("PYSEC-1")
    change({"$set": {"record.affected": []}})

    assert found() == [("PYSEC-1", "record", "its record cannot be used: it affects no package of the ecosystem PyPI")]
    change({"$set": {"record": factories.record("PYSEC-2")}})
    assert found() == [("PYSEC-1", "record", "its record is that of PYSEC-2")]


def test_fields_added_by_hand_stay(app: Flask, runner: FlaskCliRunner) -> None:
    factories.advisory("PYSEC-1")
    change({"$set": {"note": "Look into this", "severity": "low"}})

    runner.invoke(args=["db", "repair"])

    assert (Advisory.objects.raw().find_one({"_id": "PYSEC-1"}) or {})["note"] == "Look into this"
