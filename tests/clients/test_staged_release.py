"""The recipe of docs/publishing.md as a pipeline runs it, with twelve wheels, while pip and uv install all the time."""

import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from tests import factories
from tests.clients.programs import PIP, Client, environment, said
from tests.clients.publishing import upload
from tests.clients.sessions import SIMPLE, install_from
from tests.clients.shop import Shop
from tests.publishing import uploads
from tests.servers import ROOT, serving
from webapp.documents import DOCUMENTS

pytestmark = [pytest.mark.real_server, pytest.mark.clients]

PROJECT, PIPELINE_S = "hello-larder", 300
PLATFORMS = (
    "manylinux_2_17_x86_64",
    "manylinux_2_17_aarch64",
    "musllinux_1_2_x86_64",
    "macosx_11_0_arm64",
    "win_amd64",
)
# The twelfth is py3-none-any.
TAGS = [("cp311", each) for each in PLATFORMS] + [("cp312", each) for each in PLATFORMS] + [("cp313", PLATFORMS[0])]
PYPROJECT = f"""
[build-system]
requires = ["flit_core>=3.11"]
build-backend = "flit_core.buildapi"

[project]
name = "{PROJECT}"
version = "1.0"
description = "Says hello"
requires-python = ">=3.9"
"""
MODULE = '''"""Says hello."""


def test_hello():
    assert __doc__ == "Says hello."
'''


@pytest.fixture
def dist(home: Path) -> Path:
    """A folder with twelve wheels of one release: built once, and tagged for eleven systems by `wheel tags`."""
    (home / "pyproject.toml").write_text(PYPROJECT)
    (home / "hello_larder.py").write_text(MODULE)
    built = Client("build==1.6.1", home).run("python", "-m", "build", "--wheel")
    assert built.returncode == 0, said(built)
    [wheel] = (home / "dist").iterdir()
    for python, platform in TAGS:
        options = ("--python-tag", python, "--abi-tag", python, "--platform-tag", platform)
        tagged = Client("wheel==0.48.0", home).run("wheel", "tags", *options, str(wheel))
        assert tagged.returncode == 0, said(tagged)
    assert len(list((home / "dist").glob("hello_larder-1.0-*.whl"))) == 12
    return home / "dist"


def recipe(address: str) -> str:
    """The recipe. Its first line that builds is left out: twelve wheels come from several machines."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "publishing.md").read_text(), re.DOTALL)
    [found] = [each for each in blocks if "twine upload" in each]
    assert "python -m build\n" in found
    return found.replace("python -m build\n", "").replace("https://packages.example.org", address)


def listings(address: str) -> dict[str, Callable[[], int]]:
    """The ways to learn which files of release 1.0 there are, and how each of them counts these."""

    def get(path: str, accept: str = "*/*") -> requests.Response:
        return requests.get(f"{address}{path}", headers={"Accept": accept}, timeout=30)

    def in_index(accept: str) -> int:
        """Each name in it ends with a quote in JSON, and with a tag in HTML."""
        return len(set(re.findall(r"(hello_larder-1\.0-[\w-]+\.whl)[\"<]", get(f"/simple/{PROJECT}/", accept).text)))

    def in_release() -> int:
        answer = get(f"/pypi/{PROJECT}/1.0/json")
        return len(answer.json()["urls"]) if answer.ok else 0

    return {
        "index as JSON": lambda: in_index(SIMPLE["Accept"]),
        "index as HTML": lambda: in_index("text/html"),
        "JSON of the release": in_release,
    }


def test_nobody_sees_a_part_of_the_release(
    site: Flask, home: Path, dist: Path, record_property: Callable[[str, object], None]
) -> None:
    with site.app_context():
        for document_type in DOCUMENTS:
            document_type._get_collection().delete_many({})
        secret = uploads.token_of(factories.user(), permissions=("upload", "read"))
    # As it is shipped: two processes, and pages are cached.
    settings = {"HTTPS_ONLY": 0, "PAGE_CACHE_S": 3}
    with serving(home / "log", site.config["MONGODB_URI"], workers=2, **settings) as running:
        shop = Shop(running, secret, "public")
        upload(shop, PROJECT, "0.9")
        seen = {name: Counter[int]() for name in listings(running.address)}
        installed = {tool: Counter[str]() for tool in ("pip", "uv")}
        is_over = threading.Event()

        def watch(name: str) -> None:
            count = listings(running.address)[name]
            while not is_over.is_set():
                seen[name][count()] += 1

        def install(tool: str) -> None:
            # Nothing is kept from one round to the next; each is a process of its own that asks the index anew.
            while not is_over.is_set():
                found = install_from(tool, home, PROJECT, shop.index_for_all)
                installed[tool][found.get(PROJECT, "failed")] += 1

        others = [threading.Thread(target=watch, args=(name,)) for name in seen]
        others += [threading.Thread(target=install, args=(tool,)) for tool in installed]
        for each in others:
            each.start()
        try:
            done = pipeline(recipe(running.address), home, secret)
            # Everybody goes on until both installers have found the new release.
            is_over.wait(15)
        finally:
            is_over.set()
            for each in others:
                each.join()

    everything: dict[str, Counter[Any]] = {**seen, **installed}
    record_property("seen", {name: dict(counts) for name, counts in everything.items()})
    assert done.returncode == 0, said(done)
    assert "1 passed" in done.stdout  # the tests, from the stage
    assert all(set(counts) == {0, 12} for counts in seen.values()), seen
    assert all(set(versions) == {"0.9", "1.0"} for versions in installed.values()), installed


def pipeline(script: str, home: Path, secret: str) -> "subprocess.CompletedProcess[str]":
    """Run the recipe with twine, pip and pytest, and install into a folder."""
    target = home / "from-stage"
    settings = Client(PIP, home).settings(TOKEN=secret, PIP_TARGET=str(target), PYTHONPATH=str(target))
    programs = [environment("twine==7.0.0") / "bin", environment(f"pytest=={pytest.__version__}") / "bin"]
    path = os.pathsep.join([str(environment(PIP) / "bin"), *map(str, programs), settings["PATH"]])
    return subprocess.run(
        ["sh", "-c", script],
        env=settings | {"PATH": path},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=PIPELINE_S,
        check=False,
    )
