"""`db dump` and `db load`."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from mongoengine.errors import NotUniqueError

from tests import factories
from tests.inspection.cookbook_site import empty
from webapp.documents import DOCUMENTS, Package, User, ensure_indexes
from webapp.documents.base import utc_now
from webapp.documents.user import Identity

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


@pytest.mark.parametrize("folder", [".", "", "/", "..", "new/.."])
def test_folder_that_a_dump_cannot_replace_is_refused(
    app: Flask, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)

    result = runner.invoke(args=["db", "dump", folder])

    assert (result.exit_code, result.stderr) == (1, f"Error: name a new folder for the dump, not {folder or '.'}\n")
    assert list(tmp_path.rglob("*")) == [inside]


def test_loaded_account_belongs_to_the_same_person_at_the_identity_provider(
    app: Flask, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    ensure_indexes(DOCUMENTS)
    identity = Identity(issuer="https://login.example.org", subject="ada-1815", connected_at=utc_now())
    factories.user("Ada", identity=identity, is_admin_by_group=True)
    before = User.objects.raw().find_one()

    runner.invoke(args=["db", "dump", str(tmp_path / "dump")])
    empty(User._get_db())
    loaded = runner.invoke(args=["db", "load", str(tmp_path / "dump")])

    assert loaded.exit_code == 0, loaded.output
    assert User.objects.raw().find_one() == before
    assert User.objects.with_identity("https://login.example.org", "ada-1815").get().name == "Ada"
    with pytest.raises(NotUniqueError):
        factories.user("Eve", identity=identity)
