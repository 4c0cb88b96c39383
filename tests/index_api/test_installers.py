"""Real pip and uv against the live site on a real server; the files come from a server beside it."""

import base64
import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests import factories
from tests.conftest import required
from tests.local_http import Answer, served

pytestmark = pytest.mark.real_server

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def wheel(version: str) -> bytes:
    """The bytes of a small but whole wheel."""
    info = f"larder_probe-{version}.dist-info"
    contents = {
        "larder_probe.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: larder-probe\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in contents.items():
            # A ZipInfo has a date of its own, so that the same wheel has the same bytes every time.
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def filename(version: str) -> str:
    return f"larder_probe-{version}-py3-none-any.whl"


@contextmanager
def live(app: Flask) -> Iterator[str]:
    """The address of the site while a thread serves it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a module of this Python in an empty folder, away from everybody's settings."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "COV_", "PYTHON"))}
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "HOME": str(tmp_path),
    }

    def module(name: str, *args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", name, *args],
            env=own | nowhere | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return module


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


@pytest.fixture
def uv(run: Run) -> Run:
    """Run uv."""
    if importlib.util.find_spec("uv") is None:
        required("uv is not installed; requirements-dev.txt names it")

    def uv(*args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return run("uv", *args, "--no-cache", "--python", sys.executable, stdin=stdin)

    return uv


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
