import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from pymongo.errors import ServerSelectionTimeoutError

from tests.changes.pypi_documents import document, file
from tests.local_http import Answer, served
from webapp.cli import older_releases
from webapp.documents import Package, SiteStats
from webapp.documents import package as package_module
from webapp.documents.package import ConcurrentChange


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / f"{name}.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def names() -> list[str]:
    return [each["_id"] for batch in Package.objects.names() for each in batch]


class TestFiles:
    def test_folder_is_imported_and_summed_up(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        write(tmp_path, "one", document("one", releases={"1.0": [file()], "2.0": [file(), file("b.whl")]}))
        write(tmp_path, "two", document("two"))
        (tmp_path / "notes.txt").write_text("no JSON")

        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 0
        assert (
            "2 packages imported (2 new, 0 updated) with 3 releases and 4 files; 0 documents refused, 0 warnings."
            in (result.stdout)
        )
        assert names() == ["one", "two"]

    def test_second_import_updates(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        path = write(tmp_path, "one", document("one"))
        runner.invoke(args=["packages", "import", str(path)])
        write(tmp_path, "one", document("One", summary="new"))

        result = runner.invoke(args=["packages", "import", str(path)])

        assert result.exit_code == 0
        assert "1 package imported (0 new, 1 updated)" in result.stdout
        assert Package.objects.get().summary == "new"

    def test_files_and_folders_may_be_mixed(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        write(tmp_path / "folder", "one", document("one"))
        two = write(tmp_path, "two", document("two"))

        result = runner.invoke(args=["packages", "import", str(tmp_path / "folder"), str(two)])

        assert result.exit_code == 0
        assert names() == ["one", "two"]

    def test_one_bad_document_does_not_stop_the_rest(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        write(tmp_path, "a-good", document("a"))
        write(tmp_path, "b-no-json", b"<html>")
        write(tmp_path, "c-no-name", {"info": {}, "releases": {}})
        write(tmp_path, "d-bad-name", document("../d"))
        write(tmp_path, "e-nested", b"[" * 100_000)
        write(tmp_path, "f-surrogates", document("\ud800"))
        (tmp_path / "g-folder.json").mkdir()
        write(tmp_path, "z-good", document("z"))

        result = runner.invoke(args=["packages", "import", str(tmp_path), str(tmp_path / "missing.json")])

        assert result.exit_code == 1
        assert names() == ["a", "z"]
        assert "2 packages imported" in result.stdout
        assert "7 documents refused, 0 warnings" in result.stdout
        refused = [line for line in result.stderr.splitlines() if ": refused: " in line]
        assert [Path(line.partition(": ")[0]).stem for line in refused] == [
            "b-no-json",
            "c-no-name",
            "d-bad-name",
            "e-nested",
            "f-surrogates",
            "g-folder",
            "missing",
        ]
        assert "no JSON" in refused[0]

    def test_what_was_left_out_of_a_document_is_told_with_its_file(
        self, runner: FlaskCliRunner, tmp_path: Path
    ) -> None:
        path = write(
            tmp_path, "one", document("one", summary=5, releases={"final": [file(size=2**63)], "1.0": [file()]})
        )

        result = runner.invoke(args=["packages", "import", str(path)])

        assert result.exit_code == 1
        assert "1 package imported (1 new, 0 updated) with 2 releases and 2 files; 0 documents refused, 3 warnings" in (
            result.stdout
        )
        assert [line for line in result.stderr.splitlines() if line.startswith(f"{path}: ")] == [
            f"{path}: info: `summary` left out: it is not text",
            f"{path}: release final: PEP 440 cannot parse this version; it is kept below all others",
            f"{path}: release final, file 1: `size` left out: it is not a number of bytes",
        ]

    def test_package_that_is_too_large_is_refused_and_the_rest_kept(
        self, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(package_module, "MAX_PACKAGE_BYTES", 5_000)
        write(tmp_path, "large", document("large", summary="x" * 5_000))
        write(tmp_path, "small", document("small"))

        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 1
        assert "refused: large: its document would take" in result.stderr
        assert names() == ["small"]

    def test_package_that_others_keep_changing_is_refused_and_the_rest_kept(
        self, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Package.store

        def contended(package: Package) -> None:
            if package.pk == "contended":
                raise ConcurrentChange("contended: changed by somebody else in the meantime")
            store(package)

        monkeypatch.setattr(Package, "store", contended)
        write(tmp_path, "contended", document("contended"))
        write(tmp_path, "other", document("other"))

        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 1
        assert "refused: contended: changed by others 5 times in a row" in result.stderr
        assert names() == ["other"]

    def test_hostile_text_of_a_document_does_not_reach_the_terminal(
        self, runner: FlaskCliRunner, tmp_path: Path
    ) -> None:
        write(tmp_path, "one", document("\x1b[2J", releases={"\x1b]0;title\x07": []}))
        write(tmp_path, "two", document("two", releases={"\x1b]0;title\x07": [], "1\x9b2J": []}))

        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 1
        assert "\x1b" not in result.output
        assert "\x9b" not in result.output

    def test_statistics_are_computed_after_an_import(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        write(tmp_path, "one", document("one"))

        runner.invoke(args=["packages", "import", str(tmp_path)])

        assert SiteStats.objects.get().projects == 1

    @pytest.mark.parametrize(
        ("args", "message"),
        [
            ([], "name at least one file, folder or project"),
            (["--from-index"], "name at least one file, folder or project"),
            (["--from-index", "https://example.org"], "name at least one project of this index"),
            (["--from-index", "ftp://example.org", "flask"], "is not a project name"),
            (["--from-index", "https://example.org", "../flask"], "is not a project name"),
        ],
    )
    def test_wrong_use_is_told_with_exit_code_2(self, runner: FlaskCliRunner, args: list[str], message: str) -> None:
        result = runner.invoke(args=["packages", "import", *args])

        assert result.exit_code == 2
        assert message in result.stderr

    def test_folder_without_documents_is_an_error(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 1
        assert f"{tmp_path}: this folder has no *.json files" in result.stderr

    def test_database_that_is_away_is_told_in_one_line(
        self, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(package: Package) -> None:
            raise ServerSelectionTimeoutError(
                "127.0.0.1:1: refused (configured timeouts: 1 s), Timeout: 2 s, <Topology>"
            )

        monkeypatch.setattr(Package, "store", away)
        write(tmp_path, "one", document("one"))

        result = runner.invoke(args=["packages", "import", str(tmp_path)])

        assert result.exit_code == 1
        assert "Error: the database does not answer: 127.0.0.1:1: refused\n" in result.stderr

    def test_file_that_is_not_there_is_named_once(self, runner: FlaskCliRunner, tmp_path: Path) -> None:
        missing = str(tmp_path / "missing.json")

        result = runner.invoke(args=["packages", "import", missing])

        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1] == f"{missing}: refused: No such file or directory"


class TestFromIndex:
    def test_projects_are_fetched_by_their_normalized_names(self, runner: FlaskCliRunner) -> None:
        answers = {
            "/root/pypi/flask-login/json": Answer(body=json.dumps(document("Flask-Login")).encode()),
            "/root/pypi/click/json": Answer(body=json.dumps(document("click")).encode()),
        }

        with served(answers) as url:
            result = runner.invoke(args=["packages", "import", "--from-index", f"{url}/root/", "Flask_Login", "click"])

        assert result.exit_code == 0, result.stderr
        assert names() == ["click", "flask-login"]

    def test_what_an_index_does_wrong_is_told_and_the_rest_is_kept(
        self, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(older_releases, "FIRST_PAUSE_S", 0.01)
        monkeypatch.setattr(older_releases, "MAX_DOCUMENT_BYTES", 10_000)
        good = json.dumps(document("good")).encode()
        answers = {
            "/pypi/error/json": Answer(500, b"{}"),
            "/pypi/closed/json": Answer(0),
            "/pypi/cut/json": Answer(body=good, cut_at=20),
            "/pypi/html/json": Answer(body=b"<html>", content_type="text/html"),
            "/pypi/large/json": Answer(body=b" " * 20_000 + good),
            "/pypi/good/json": Answer(body=good),
        }

        broken = ["error", "closed", "cut", "html", "large"]

        with served(answers) as url:
            result = runner.invoke(args=["packages", "import", "--from-index", url, "missing", *broken, "good"])

        reasons = dict(line.split(": refused: ", 1) for line in result.stderr.splitlines() if ": refused: " in line)
        assert result.exit_code == 1
        assert names() == ["good"]
        assert "1 package imported (1 new, 0 updated)" in result.stdout
        assert "6 documents refused" in result.stdout
        assert list(reasons) == ["missing", *broken]
        assert reasons["missing"] == f"{url}/pypi/missing/json: no such project"
        assert "500" in reasons["error"]
        host = url.removeprefix("http://")
        assert reasons["closed"] == f"{host} cannot be reached: Remote end closed connection without response"
        assert reasons["cut"] == f"{host} broke off before the end"
        assert reasons["html"].startswith("no JSON")
        assert reasons["large"] == f"{url}/pypi/large/json: more than 10,000 bytes"

    def test_index_that_takes_too_long_is_told(self, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(older_releases, "ATTEMPTS", 0)
        monkeypatch.setattr(older_releases, "TIMEOUT_S", 0.2)

        with served({"/pypi/slow/json": Answer(delay_s=0.5)}) as url:
            result = runner.invoke(args=["packages", "import", "--from-index", url, "slow"])

        reason = f"{url.removeprefix('http://')} cannot be reached: timed out"
        assert result.stderr.splitlines()[-1] == f"slow: refused: {reason}"

    def test_index_that_is_not_there_is_told(
        self, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(older_releases, "FIRST_PAUSE_S", 0.01)
        with served({}) as url:
            pass

        result = runner.invoke(args=["packages", "import", "--from-index", url, "flask"])

        assert result.exit_code == 1
        reason = f"{url.removeprefix('http://')} cannot be reached: Connection refused"
        assert result.stderr.splitlines()[-1] == f"flask: refused: {reason}"
        assert caplog.messages == []  # urllib3 warns of each attempt
        assert "0 packages imported" in result.stdout


def test_help_tells_what_the_command_does(runner: FlaskCliRunner, app: Flask) -> None:
    result = runner.invoke(args=["packages", "import", "--help"])

    assert result.exit_code == 0
    assert "Import JSON documents as PyPI serves them: files, folders of *.json" in " ".join(result.stdout.split())
