"""`flask advisories`."""

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from tests.changes.test_advisories import dump_of
from tests.factories import record
from webapp.changes import advisories
from webapp.documents import Advisory


def test_dump_and_own_advisories_are_imported(runner: FlaskCliRunner, tmp_path: Path) -> None:
    dump, own = dump_of(tmp_path / "all.zip", record("PYSEC-1"), record("PYSEC-2")), tmp_path / "own.json"
    own.write_text(json.dumps(record("ACME-1", "private")))

    result = runner.invoke(args=["advisories", "import", str(dump), "--add", str(own)])

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Added ACME-1.",
        "2 advisories imported: 2 new, 0 changed, 0 unchanged, 0 removed, 0 left out.",
    ]
    assert Advisory.objects.count() == 3


def test_left_out_records_are_named_and_the_exit_code_says_so(runner: FlaskCliRunner, tmp_path: Path) -> None:
    dump = dump_of(tmp_path / "all.zip", record("PYSEC-1"), broken=b"{}")

    result = runner.invoke(args=["advisories", "import", str(dump)])

    assert result.exit_code == 1
    assert "Left out: broken.json: it has no usable `id`" in result.stderr
    assert "1 advisory imported" in result.stdout


def test_dump_that_lacks_most_advisories_is_refused_unless_asked_for(runner: FlaskCliRunner, tmp_path: Path) -> None:
    dump = dump_of(tmp_path / "all.zip", record("PYSEC-1"), record("PYSEC-2"), record("PYSEC-3"))
    runner.invoke(args=["advisories", "import", str(dump)])
    dump_of(dump, record("PYSEC-1"))

    refused = runner.invoke(args=["advisories", "import", str(dump)])
    asked_for = runner.invoke(args=["advisories", "import", str(dump), "--remove-most"])

    assert (refused.exit_code, asked_for.exit_code) == (1, 0)
    assert "If it is complete, import it with --remove-most." in refused.stderr
    assert "1 unchanged, 2 removed" in asked_for.stdout


def test_progress_is_shown_while_a_dump_is_imported(
    runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisories, "BATCH", 1)
    # A progress bar is drawn on a terminal only.
    monkeypatch.setattr("click._termui_impl.isatty", lambda _: True)
    dump = dump_of(tmp_path / "all.zip", record("PYSEC-1"), record("PYSEC-2"), record("PYSEC-3"), record("PYSEC-4"))

    result = runner.invoke(args=["advisories", "import", str(dump)])

    shown = [int(each) for each in re.findall(r"Importing +\[[#-]*\] +(\d+)%", result.stderr)]
    assert (shown, result.exit_code) == ([0, 25, 50, 75, 100], 0)
    assert "Importing" not in result.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "name a dump, or an advisory of your own"),
        (["nothing.zip"], "nothing.zip: No such file or directory\n"),
        (["--add", "nothing.json"], "nothing.json: No such file or directory\n"),
    ],
)
def test_what_cannot_be_imported_is_told_in_a_line(runner: FlaskCliRunner, args: list[str], said: str) -> None:
    result = runner.invoke(args=["advisories", "import", *args])

    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_own_advisory_can_be_removed(runner: FlaskCliRunner, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(record("ACME-1", "private")))
    runner.invoke(args=["advisories", "import", "--add", str(own)])

    removed = runner.invoke(args=["advisories", "remove", "ACME-1"])
    again = runner.invoke(args=["advisories", "remove", "ACME-1"])

    assert removed.output == "Removed ACME-1.\n"
    assert again.exit_code == 1
    assert "ACME-1 is not one of your own advisories." in again.output
    assert Advisory.objects.count() == 0
