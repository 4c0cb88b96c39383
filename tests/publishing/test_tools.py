"""Real twine, uv and pip against the live site on a real server: what is uploaded can be installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.live import Run, live
from tests.publishing import uploads
from webapp.documents import Package

pytestmark = pytest.mark.real_server


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The address of the live site."""
    with live(app) as found:
        yield found


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder with a wheel and an sdist of one release."""
    folder = tmp_path / "dist"
    folder.mkdir()
    text = uploads.metadata("larder-probe", "1.0", "Summary: Probes", "Requires-Python: >=3.9", description="# Probe\n")
    (folder / uploads.wheel_name()).write_bytes(uploads.wheel(text=text))
    (folder / uploads.sdist_name()).write_bytes(uploads.sdist(text=text))
    return folder


def twine(run: Run, address: str, secret: str, *files: Path, options: tuple[str, ...] = ()) -> tuple[int, str]:
    result = run(
        *("twine", "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", f"{address}/legacy/"),
        *("-u", "__token__", "-p", secret, *options, *map(str, files)),
    )
    return result.returncode, result.stdout + result.stderr


def test_what_twine_uploads_pip_installs(address: str, dist: Path, run: Run, tmp_path: Path) -> None:
    _, secret = uploads.publisher()

    code, said = twine(run, address, secret, *sorted(dist.iterdir()))
    installed = run(
        *("pip", "install", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--target", "got"),
        *("--index-url", f"{address}/simple/", "larder-probe"),
    )

    assert code == 0, said
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "got" / "larder_probe.py").read_text() == 'VERSION = "1.0"\n'
    [release] = Package.objects.get(pk="larder-probe").releases
    assert sorted(file.filename for file in release.files) == sorted(path.name for path in dist.iterdir())
