"""Twelve wheels go through a publishing session on the shipped server, while others install all the time."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.live import Run
from tests.publishing import staging, uploads
from tests.publishing.uploads import wheel, wheel_name
from tests.servers import Site, serving
from webapp.documents import PublishingSession, StoredFile
from webapp.documents.base import utc_now

# As the images run it: two web processes, several seconds each.
pytestmark = [pytest.mark.real_server, pytest.mark.deployment]

WHEELS = [f"larder_probe-2.0-py{number}-none-any.whl" for number in (3, *range(30, 41))]
SIMPLE = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def served(app: Flask, tmp_path: Path) -> Iterator[Site]:
    """The site under `flask serve` with two web processes, on the test's own database."""
    with serving(tmp_path / "log", app.config["MONGODB_URI"], workers=2, HTTPS_ONLY=0) as running:
        yield running


@pytest.fixture
def secret(served: Site, app: Flask) -> str:
    """The token of a member, who has published larder-probe 1.0."""
    secret = uploads.publisher()[1]
    form = {":action": "file_upload", "sha256_digest": uploads.sha256(wheel())}
    sent = requests.post(
        f"{served.address}/legacy/",
        data=form,
        files={"content": (wheel_name(), wheel())},
        auth=("__token__", secret),
        timeout=30,
    )
    assert sent.ok, sent.text
    return secret


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder with twelve wheels of release 2.0."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in WHEELS:
        (folder / name).write_bytes(wheel(version="2.0", extra={"which.py": f"NAME = {name!r}\n"}))
    return folder


def ask(served: Site, secret: str, address: str, **fields: object) -> requests.Response:
    body = {"meta": {"api-version": "2.0"}, **fields}
    headers = {"Content-Type": staging.MEDIA_TYPE}
    return requests.post(address, json=body, headers=headers, auth=("__token__", secret), timeout=60)


def opened(served: Site, secret: str) -> dict[str, str]:
    """The links of a new session."""
    answer = ask(served, secret, f"{served.address}/upload/", name="larder-probe", version="2.0")
    assert answer.status_code == 201, answer.text
    links: dict[str, str] = answer.json()["links"]
    return links


def filled(served: Site, secret: str, dist: Path) -> dict[str, str]:
    """The links of a session with all wheels."""
    links = opened(served, secret)
    for path in dist.iterdir():
        content = path.read_bytes()
        form = {":action": "file_upload", "sha256_digest": uploads.sha256(content)}
        sent = requests.post(
            links["legacy"], data=form, files={"content": (path.name, content)}, auth=("__token__", secret), timeout=60
        )
        assert sent.ok, sent.text
    return links


def listed(address: str) -> list[str]:
    """The wheels of release 2.0 that an index lists."""
    files = requests.get(f"{address}/larder-probe/", headers=SIMPLE, timeout=30).json()["files"]
    return sorted(each["filename"] for each in files if "-2.0-" in each["filename"])


def test_nobody_sees_a_part_of_a_release(served: Site, secret: str, dist: Path, run: Run, uv: Run) -> None:
    seen: list[int] = []
    installed: set[str] = set()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            seen.append(len(listed(f"{served.address}/simple")))

    def install() -> None:
        # A process of its own each time, which asks the index anew.
        while not is_over.is_set():
            options = (
                "--target",
                "got",
                "--reinstall",
                "--no-deps",
                "--index-url",
                f"{served.address}/simple/",
            )
            done = uv("pip", "install", *options, "larder-probe")
            assert done.returncode == 0, done.stderr
            installed.update(line.split("==")[1] for line in done.stderr.splitlines() if line.startswith(" + "))

    others = [threading.Thread(target=each) for each in (watch, install)]
    for each in others:
        each.start()
    try:
        links = opened(served, secret)
        # Not to /legacy/, but to the session.
        args = ("--non-interactive", "--disable-progress-bar", "-u", "__token__", "-p", secret)
        sent = run("twine", "upload", *args, "--repository-url", links["legacy"], *map(str, dist.iterdir()))
        assert sent.returncode == 0, sent.stdout + sent.stderr
        staged = listed(links["stage"].rstrip("/"))
        options = ("--target", "staged", "--no-deps", "--index-url", f"{served.address}/simple/")
        from_stage = uv("pip", "install", *options, "--index", links["stage"], "larder-probe==2.0")
        published = ask(served, secret, links["publish"])
        time.sleep(2)
    finally:
        is_over.set()
        for each in others:
            each.join()

    assert staged == sorted(WHEELS)
    assert from_stage.returncode == 0, from_stage.stderr
    assert published.status_code == 201, published.text
    assert set(seen) == {0, 12}, "somebody saw a part of it"
    assert installed == {"1.0", "2.0"}


@pytest.mark.parametrize("round_", range(3))
def test_killed_while_it_publishes_it_has_published_all_or_nothing(
    served: Site, secret: str, dist: Path, round_: int
) -> None:
    links = filled(served, secret, dist)
    sender = threading.Thread(target=_ask_and_be_cut_off, args=(served, secret, links["publish"]))

    sender.start()
    time.sleep(random.Random(round_).uniform(0, 0.25))
    for process in served.web_processes():
        os.kill(process, signal.SIGKILL)
    sender.join()
    served.wait_until_up()

    at_once = listed(f"{served.address}/simple")
    assert at_once in ([], sorted(WHEELS))
    past = {"$set": {"alive_at": utc_now() - timedelta(seconds=61)}}
    for each in (StoredFile, PublishingSession):
        each._get_collection().update_many({"alive_at": {"$exists": True}}, past)
    again = ask(served, secret, links["publish"])
    assert again.status_code == (404 if at_once else 201), again.text
    assert listed(f"{served.address}/simple") == sorted(WHEELS)
    for each in requests.get(f"{served.address}/simple/larder-probe/", headers=SIMPLE, timeout=30).json()["files"]:
        content = requests.get(served.address + each["url"], timeout=30).content
        assert uploads.sha256(content) == each["hashes"]["sha256"]


def _ask_and_be_cut_off(served: Site, secret: str, address: str) -> None:
    with contextlib.suppress(requests.ConnectionError):
        ask(served, secret, address)
