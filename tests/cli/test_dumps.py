"""`db dump` and `db load`."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import factories
from tests.inspection.cookbook_site import empty
from webapp.documents import Package

pytestmark = pytest.mark.real_server


def test_command_line_says_what_it_did(app: Flask, runner: FlaskCliRunner, tmp_path: Path) -> None:
    factories.package("Flask")
    folder = str(tmp_path / "dump")

    first = runner.invoke(args=["db", "dump", folder])
    again = runner.invoke(args=["db", "dump", folder])
    full = runner.invoke(args=["db", "load", folder])
    empty(Package._get_db())
    loaded = runner.invoke(args=["db", "load", folder])

    assert first.exit_code == 0, first.output
    assert "packages: 1\n" in first.stdout
    assert (again.exit_code, again.stdout, again.stderr) == (1, "", f"Error: {folder} already exists\n")
    assert full.exit_code == 1
    assert full.stderr.startswith("Error: larder_test")
    assert loaded.exit_code == 0, loaded.output
    assert Package.objects.get().name == "Flask"
