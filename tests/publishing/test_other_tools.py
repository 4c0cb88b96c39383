"""Real flit, poetry and hatch, from an empty folder and a new account to what pip installs: docs/publishing.md.

They come from PyPI, so `make test` leaves them out.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from uv import find_uv_bin

from tests.live import Run, live
from tests.people import PASSWORD, browser
from tests.reading import one, page_of, words
from webapp.documents import Package

pytestmark = [pytest.mark.real_server, pytest.mark.deployment]

Tool = Callable[..., "subprocess.CompletedProcess[str]"]

FLIT, POETRY, HATCH = "flit==4.2.0", "poetry==2.5.1", "hatch==1.18.2"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The address of the live site."""
    with live(app) as found:
        yield found


@pytest.fixture
def secret(app: Flask) -> str:
    """The API token of somebody who registers and makes one."""
    visitor = browser(app)
    visitor.send("/account/register", name="Ada Lovelace", email="ada@example.org", password=PASSWORD)
    made = {"name": "laptop", "project": "", "purpose": "upload", "lifetime": "365", "password": PASSWORD}
    return words(one(page_of(visitor.send("/account/tokens/new", **made)), ".token-secret code"))


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Run a tool of a pinned version in the folder of the package, in an environment of its own."""
    folder = tmp_path / "hello"
    folder.mkdir()
    # Where a keyring is, poetry would ask it.
    own = {"HOME": str(tmp_path), "NO_PROXY": "127.0.0.1", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

    def run(requirement: str, *args: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        name = requirement.partition("==")[0]
        return subprocess.run(
            [find_uv_bin(), "tool", "run", "--from", requirement, name, *args],
            env=os.environ | own | settings,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def write(tmp_path: Path, backend: str) -> None:
    """Write the small package of docs/publishing.md, for a build backend."""
    folder = tmp_path / "hello"
    (folder / "hello_larder.py").write_text('"""Says hello."""\n')
    (folder / "README.md").write_text("# Hello\n")
    (folder / "pyproject.toml").write_text(f"""[build-system]
{backend}

[project]
name = "hello-larder"
version = "1.0"
description = "Says hello"
readme = "README.md"
requires-python = ">=3.9"
""")


def check(done: "subprocess.CompletedProcess[str]", address: str, run: Run, tmp_path: Path) -> None:
    """What was published is one release of two files, and pip installs it."""
    assert done.returncode == 0, done.stdout + done.stderr
    [release] = Package.objects.get(pk="hello-larder").releases
    assert sorted(file.packagetype for file in release.files) == ["bdist_wheel", "sdist"]
    options = ("--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--target", "got")
    installed = run("pip", "install", *options, "--index-url", f"{address}/simple/", "hello-larder")
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "got" / "hello_larder.py").exists()


def test_flit_publishes(tool: Tool, address: str, secret: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, 'requires = ["flit_core>=3.11"]\nbuild-backend = "flit_core.buildapi"')

    settings = {"FLIT_INDEX_URL": f"{address}/legacy/", "FLIT_USERNAME": "__token__", "FLIT_PASSWORD": secret}
    done = tool(FLIT, "publish", **settings)

    check(done, address, run, tmp_path)


def test_poetry_publishes(tool: Tool, address: str, secret: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, 'requires = ["poetry-core>=2"]\nbuild-backend = "poetry.core.masonry.api"')

    tool(POETRY, "config", "repositories.larder", f"{address}/legacy/")
    done = tool(POETRY, "publish", "--build", "--repository", "larder", POETRY_PYPI_TOKEN_LARDER=secret)

    check(done, address, run, tmp_path)


def test_hatch_publishes(tool: Tool, address: str, secret: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, 'requires = ["hatchling"]\nbuild-backend = "hatchling.build"')

    built = tool(HATCH, "build")
    settings = {"HATCH_INDEX_REPO": f"{address}/legacy/", "HATCH_INDEX_USER": "__token__", "HATCH_INDEX_AUTH": secret}
    done = tool(HATCH, "publish", **settings)

    assert built.returncode == 0, built.stderr
    check(done, address, run, tmp_path)


def test_poetry_prints_the_reason_of_a_refusal(tool: Tool, address: str, tmp_path: Path) -> None:
    write(tmp_path, 'requires = ["poetry-core>=2"]\nbuild-backend = "poetry.core.masonry.api"')

    tool(POETRY, "config", "repositories.larder", f"{address}/legacy/")
    done = tool(POETRY, "publish", "--build", "--repository", "larder", POETRY_PYPI_TOKEN_LARDER="larder-wrong")

    assert done.returncode == 1
    assert "This API token is not valid." in done.stdout + done.stderr
