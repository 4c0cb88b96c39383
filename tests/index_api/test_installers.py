"""Real pip and uv against the live site on a real server; the files come from a server beside it."""

import hashlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.live import Run, live
from tests.local_http import Answer, answering_posts, served
from tests.publishing import uploads
from webapp.documents import Package, ProjectStatus

pytestmark = pytest.mark.real_server


def wheel(version: str) -> bytes:
    """The bytes of a small but whole wheel."""
    return uploads.wheel("larder-probe", version)


def filename(version: str) -> str:
    return f"larder_probe-{version}-py3-none-any.whl"


@pytest.fixture
def index(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The simple index of the live site. 1.0 is of January, 2.0 of March, 3.0 is yanked; 4.0 tells a wrong hash."""
    monkeypatch.setattr("werkzeug.serving.WSGIRequestHandler.log_request", lambda *_: None)
    versions = {"1.0": datetime(2024, 1, 1, tzinfo=UTC), "2.0": datetime(2024, 3, 1, tzinfo=UTC)}
    versions |= {"3.0": datetime(2024, 4, 1, tzinfo=UTC), "4.0": datetime(2024, 5, 1, tzinfo=UTC)}
    wheels = {version: wheel(version) for version in versions}
    with served(
        {f"/{filename(v)}": Answer(body=body, content_type="binary/octet-stream") for v, body in wheels.items()}
    ) as files:
        releases = []
        for version, uploaded_at in versions.items():
            described = factories.release_file(
                filename=filename(version),
                url=f"{files}/{filename(version)}",
                size=len(wheels[version]),
                sha256=hashlib.sha256(b"other" if version == "4.0" else wheels[version]).hexdigest(),
                md5=None,
                uploaded_at=uploaded_at,
            )
            yanked = version in ("3.0", "4.0")
            releases.append(factories.release(version, files=[described], yanked=yanked, created_date=uploaded_at))
        factories.package("larder-probe", releases=releases)
        with live(app) as address:
            yield f"{address}/simple/"


def download(run: Run, index: str, requirement: str, *options: str) -> "subprocess.CompletedProcess[str]":
    quietly = ("--no-deps", "--no-cache-dir", "--disable-pip-version-check")
    return run("pip", "download", *quietly, "--dest", "got", "--index-url", index, *options, requirement)


def test_pip_downloads_the_newest_release_that_is_not_yanked_and_checks_its_hash(
    index: str, run: Run, tmp_path: Path
) -> None:
    result = download(run, index, "Larder.Probe")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "got" / filename("2.0")).read_bytes() == wheel("2.0")


def test_pip_downloads_a_yanked_release_that_is_named(index: str, run: Run, tmp_path: Path) -> None:
    result = download(run, index, "larder-probe==3.0")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "got" / filename("3.0")).exists()
    assert "yanked" in result.stderr


def test_pip_refuses_a_file_of_another_hash(index: str, run: Run, tmp_path: Path) -> None:
    result = download(run, index, "larder-probe==4.0")

    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stderr
    assert not (tmp_path / "got" / filename("4.0")).exists()


def test_pip_finds_no_project_that_is_not_there(index: str, run: Run) -> None:
    result = download(run, index, "larder-nothing")

    assert result.returncode != 0
    assert "No matching distribution found for larder-nothing" in result.stderr


def test_pip_takes_no_release_that_was_uploaded_later(index: str, run: Run, tmp_path: Path) -> None:
    result = download(run, index, "larder-probe", "--uploaded-prior-to", "2024-02-01")

    assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == [filename("1.0")]


@pytest.mark.parametrize(("date", "version"), [("2024-02-01", "1.0"), ("2024-04-02", "2.0")])
def test_uv_finds_the_versions_of_a_day(index: str, uv: Run, date: str, version: str) -> None:
    moment = f"{date}T00:00:00Z"

    result = uv("pip", "compile", "--index-url", index, "--exclude-newer", moment, "-", stdin="larder-probe")

    assert result.returncode == 0, result.stderr
    assert f"larder-probe=={version}\n" in result.stdout


def test_uv_finds_nothing_before_the_first_upload(index: str, uv: Run) -> None:
    result = uv(
        "pip", "compile", "--index-url", index, "--exclude-newer", "2023-01-01T00:00:00Z", "-", stdin="larder-probe"
    )

    assert result.returncode != 0
    assert "larder-probe" in result.stderr


def test_uv_installs_the_newest_release_that_is_not_yanked(index: str, uv: Run, tmp_path: Path) -> None:
    result = uv("pip", "install", "--target", "installed", "--index-url", index, "larder-probe")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "installed" / "larder_probe.py").read_text() == 'VERSION = "2.0"\n'


@pytest.mark.parametrize(
    ("moment", "by_uv", "by_pip"),
    [
        # docs/publishing.md says so: uv takes the day in, and for pip it ends where the day begins.
        ("2024-03-01", "2.0", "1.0"),
        ("2024-02-29", "1.0", "1.0"),
        ("2024-03-02", "2.0", "2.0"),
        ("2024-03-01T00:00:00Z", "1.0", "1.0"),
        ("2024-03-01T00:00:01Z", "2.0", "2.0"),
    ],
)
def test_bare_date_includes_its_day_for_uv_and_not_for_pip(
    index: str, run: Run, uv: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, by_uv: str, by_pip: str
) -> None:
    monkeypatch.setenv("TZ", "UTC")

    compiled = uv("pip", "compile", "--index-url", index, "--exclude-newer", moment, "-", stdin="larder-probe")
    downloaded = download(run, index, "larder-probe", "--uploaded-prior-to", moment)

    assert f"larder-probe=={by_uv}\n" in compiled.stdout, compiled.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == [filename(by_pip)], downloaded.stderr


def test_one_file_without_upload_time_stops_pip_and_is_skipped_by_uv(index: str, run: Run, uv: Run) -> None:
    Package._get_collection().update_one(
        {"_id": "larder-probe", "releases.version": "1.0"}, {"$unset": {"releases.$.files.0.uploaded_at": ""}}
    )

    compiled = uv("pip", "compile", "--index-url", index, "--exclude-newer", "2025-01-01", "-", stdin="larder-probe")
    downloaded = download(run, index, "larder-probe", "--uploaded-prior-to", "2025-01-01")

    assert "larder-probe==2.0\n" in compiled.stdout, compiled.stderr
    assert downloaded.returncode != 0
    assert "does not provide upload-time metadata" in downloaded.stderr


def test_uv_audit_names_the_status_and_its_reason(index: str, uv: Run, tmp_path: Path) -> None:
    Package.objects(pk="larder-probe").update_one(
        set__status=ProjectStatus(marker="archived", reason="Nobody has time.", successor="Flask")
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "user"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["larder-probe"]\n'
    )

    # In the place of OSV, whose answer for one package without advisories this is.
    with answering_posts(b'{"results": [{}]}') as advisories:
        result = uv("audit", "--default-index", index, "--service-url", f"{advisories}/")

    assert "larder-probe is archived: Nobody has time. Use Flask instead." in result.stdout + result.stderr


def test_installers_find_nothing_in_a_quarantined_project(index: str, run: Run, uv: Run) -> None:
    Package.objects(pk="larder-probe").update_one(set__status=ProjectStatus(marker="quarantined"))

    compiled = uv("pip", "compile", "--index-url", index, "-", stdin="larder-probe")
    downloaded = download(run, index, "larder-probe")

    assert "there are no versions of larder-probe" in compiled.stderr
    assert "from versions: none" in downloaded.stderr
