"""One project out of a dump: everything of it comes back into a site that went on, or nothing does."""

import hashlib
import re
from pathlib import Path
from typing import Any

import bson
import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from packaging.utils import NormalizedName

from tests import factories
from tests.publishing import uploads
from tests.publishing.uploads import metadata, sdist, sdist_name, upload, wheel, wheel_name
from webapp.changes import catching_up, withdrawing
from webapp.documents import (
    DOCUMENTS,
    Chunk,
    Contents,
    JournalEntry,
    KnownName,
    License,
    Package,
    ReleaseFacts,
    SearchEntry,
    StoredFile,
    Team,
    TeamRole,
    User,
    contents,
)
from webapp.inspection import restore
from webapp.inspection.check import check
from webapp.inspection.dump import dump

pytestmark = pytest.mark.real_server

NAME = "larder-probe"
TEXT = metadata(NAME, "1.0", "License: MIT", "Classifier: Programming Language :: Python :: 3", description="*probe*")
SECOND = wheel(version="2.0", text=metadata(NAME, "2.0", "License: MIT"))


@pytest.fixture
def folder(client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dump of a site with two projects, the first of which has been deleted since, while the site went on."""
    monkeypatch.setattr(contents, "CHUNK_BYTES", 300)
    user, secret = uploads.publisher()
    upload(client, secret, wheel(text=TEXT), wheel_name())
    upload(client, secret, sdist(), sdist_name())
    upload(client, secret, SECOND, wheel_name(version="2.0"))
    upload(client, secret, wheel("other"), wheel_name("other"))
    catching_up.remember_names()
    dump(Package._get_db(), tmp_path / "dump", lambda _: None)
    withdrawing.delete_project(NormalizedName(NAME), user)
    License.objects.delete()
    KnownName.objects.delete()
    upload(client, secret, wheel("other", "2.0"), wheel_name("other", "2.0"))
    assert Package.objects(pk=NAME).count() == ReleaseFacts.objects(pk__startswith=f"{NAME}/").count() == 0
    return tmp_path / "dump"


def run(runner: FlaskCliRunner, folder: Path, *more: str) -> Any:
    return runner.invoke(args=["db", "restore-project", str(folder), *more])


def everything() -> dict[str, list[Any]]:
    return {each._get_collection_name(): list(each._get_collection().find().sort("_id", 1)) for each in DOCUMENTS}


def test_project_comes_back_with_all_that_belongs_to_it(
    client: FlaskClient, runner: FlaskCliRunner, folder: Path
) -> None:
    before = JournalEntry.objects.last_serial()

    said = run(runner, folder, "Larder.Probe")

    package = Package.objects.get(pk=NAME)
    size = len(wheel(text=TEXT)) + len(sdist()) + len(SECOND)
    assert said.output == (
        f"{NAME}: 2 releases, 3 files of {size:,} bytes, 3 journal entries, 2 releases with facts\nIt was restored.\n"
    )
    files = {file.filename: client.get(file.url).data for release in package.releases for file in release.files}
    assert files == {
        wheel_name(): wheel(text=TEXT),
        sdist_name(): sdist(),
        wheel_name(version="2.0"): SECOND,
    }
    assert "<em>probe</em>" in client.get(f"/project/{NAME}/1.0/").text
    assert client.get(f"/search/?q={NAME}").text.count(f'href="/project/{NAME}/"') > 0
    assert License.objects(pk="MIT").count() == KnownName.objects(pk=NAME).count() == 1
    history = [entry.action for entry in JournalEntry.objects.about_package(NAME)]
    assert history == ["restore project", "remove project", "new release", "new file", "new project"]
    assert package.last_serial == JournalEntry.objects.last_serial() > before
    assert [finding[:4] for finding in check(deep=True)] == []


def test_dry_run_says_the_same_and_changes_nothing(runner: FlaskCliRunner, folder: Path) -> None:
    before = everything()

    promised = run(runner, folder, NAME, "--dry-run")

    assert everything() == before
    assert promised.output.replace("would be", "was") == run(runner, folder, NAME).output


def test_interrupted_restore_is_finished_by_the_same_command(
    client: FlaskClient, runner: FlaskCliRunner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(restore, "_restore_package", lambda *_: 1 / 0)
        assert isinstance(run(runner, folder, NAME).exception, ZeroDivisionError)
    assert client.get(f"/project/{NAME}/").status_code == 404

    assert run(runner, folder, NAME).exit_code == 0

    assert [finding[:4] for finding in check(deep=True)] == []
    assert Contents.objects.count() == 5


def test_maintainers_without_an_account_are_left_out_unless_nobody_else_is_there(
    client: FlaskClient, runner: FlaskCliRunner, folder: Path
) -> None:
    User.objects.delete()

    said = run(runner, folder, NAME)

    assert "maintainers without an account: Ada Lovelace; they stay as names, so an administrator has to" in said.output
    assert [each.name for each in Package.objects.get(pk=NAME).maintainers] == ["Ada Lovelace"]


@pytest.mark.usefixtures("app")
def test_teams_that_are_gone_get_nothing_back_and_nobody_else_may_read_what_only_they_could(
    runner: FlaskCliRunner, tmp_path: Path
) -> None:
    Team(name="staff").save()
    factories.package("jam", teams=[TeamRole(team="crew", role="owner")], readers=["crew", "staff", "guests"])
    factories.package("bread", readers=["crew"])
    dump(Package._get_db(), tmp_path / "dump", lambda _: None)
    Package.objects.delete()

    said = [run(runner, tmp_path / "dump", name).output for name in ("jam", "bread")]

    assert "teams that do not exist: crew, guests; they are left out\n" in said[0]
    jam, bread = (Package.objects.get(pk=name) for name in ("jam", "bread"))
    assert (jam.teams, jam.readers) == ([], ["-", "staff"])
    assert bread.readers == ["-"]
    assert sorted(Package.objects.hidden_from(bson.ObjectId(), ["crew", "guests"])) == ["bread", "jam"]


def test_what_cannot_be_restored_is_one_line(client: FlaskClient, runner: FlaskCliRunner, folder: Path) -> None:
    before = everything()

    for name, reason in (
        ("other", "other exists. Delete the project first"),
        ("stranger", "has no project stranger"),
        ("?", "is not a project name"),
    ):
        said = run(runner, folder, name)
        assert said.exit_code == 1
        assert reason in said.stderr
        assert said.stderr.count("\n") == 1

    assert everything() == before


def test_file_name_that_was_taken_since_is_refused(runner: FlaskCliRunner, folder: Path) -> None:
    StoredFile._get_collection().update_one({"_id": wheel_name()}, {"$set": {"sha256": "0" * 64}})

    said = run(runner, folder, NAME)

    assert f"{wheel_name()} cannot come back, because {wheel_name()} was published since" in said.stderr
    assert Package.objects(pk=NAME).count() == 0


def test_dump_without_the_bytes_restores_nothing(runner: FlaskCliRunner, folder: Path) -> None:
    chunks = folder / "contents.chunks.bson"
    whole = chunks.read_bytes()
    first = bson.decode_all(whole)[0]
    chunks.write_bytes(whole[len(bson.encode(first)) :])
    changed = run(runner, folder, NAME)
    manifest = folder / "manifest.json"
    before_it, after_it = (hashlib.sha256(each).hexdigest() for each in (whole, chunks.read_bytes()))
    manifest.write_text(manifest.read_text().replace(before_it, after_it))
    before = everything()

    promised, done = run(runner, folder, NAME, "--dry-run"), run(runner, folder, NAME)

    assert "was changed after it was written" in changed.stderr
    assert re.search(r"the dump does not have (all|the) bytes of", promised.stderr)
    assert re.search(r"the dump does not have (all|the) bytes of", done.stderr)
    assert everything() == before
    assert Chunk.objects(files_id__nin=list(Contents.objects.scalar("id"))).count() == 0


def test_each_collection_is_of_projects_or_of_the_site() -> None:
    known = [*restore.OF_PROJECT, *restore.FOLLOWS, *restore.OF_THE_SITE]

    assert sorted(each.__name__ for each in known) == sorted(each.__name__ for each in DOCUMENTS)


def test_search_entry_is_that_of_the_project(runner: FlaskCliRunner, folder: Path) -> None:
    run(runner, folder, NAME)

    assert SearchEntry.objects.get(pk=NAME).name == "larder-probe"
