"""Chromium, and a site for it to visit: it listens on a port of this machine and keeps its data in the real mongod."""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests import factories
from tests.beginnings import begin
from tests.conftest import required
from tests.publishing import uploads
from webapp.documents import Maintainer
from webapp.pages.defaults import add_default_pages

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
AXE = Path(__file__).resolve().parents[2] / ".tools" / "node_modules" / "axe-core" / "axe.min.js"
PHONE, TABLET, DESKTOP = (390, 844), (768, 1024), (1280, 900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that $CHROMIUM names."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        required("there is no Chromium: install it, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for violations."""
    if not AXE.exists():
        required(f"there is no axe-core: `make .tools/.installed` puts it at {AXE}")
    return AXE.read_text()


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def catalogue() -> None:
    """Projects that show all that a page can show."""
    ada = factories.user("Ada Lovelace")
    shared = {"license": "MIT", "classifiers": ["Topic :: Internet", "Programming Language :: Python :: 3"]}
    for number in range(45):
        factories.package(f"package-{number}", summary="One of many, for pages and lists", **shared)
    tags = ["cp311-cp311-win_amd64", "cp312-cp312-win_amd64", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"]
    wheels = [factories.release_file(filename=f"example-1.70-{tag}.whl") for tag in tags]
    sdist = factories.release_file(filename="example-1.70.tar.gz", packagetype="sdist", yanked=True)
    late = datetime(2024, 3, 1, 20, 0, tzinfo=UTC)  # the next day in Tokyo
    releases = [factories.release(f"1.{n}", created_date=late - timedelta(days=70 - n)) for n in range(70)]
    releases += [factories.release("1.70", created_date=late, files=[*wheels, sdist], size=12345)]
    releases += [factories.release("2.0rc1"), factories.release("1.71", yanked=True, yanked_reason="It was broken")]
    factories.package(
        "Example",
        releases=releases,
        summary="A project with everything, " + "and-one-very-long-word-" * 5,
        description="# Example\n\nSome `code` and [a link](https://example.org).\n\n```python\nimport example  # "
        + "a long line " * 20
        + "\n```\n\n| a | b |\n|---|---|\n| 1 | "
        + "unbroken" * 20
        + " |\n\n> A quotation.\n",
        description_content_type="text/markdown",
        project_urls={"Source": "https://github.com/example/" + "x" * 100},
        author_name="A" * 100,
        author_email="ada@example.org",
        keywords=["jam", "k" * 100],
        requires_python=">=3.9",
        requires_dist=["click>=8", "package-1>=0.5"],
        provides_extra=["test"],
        maintainers=[Maintainer(user_id=ada.id, name="Ada Lovelace", role="owner")],
        **shared,
    )
    archive = uploads.sdist(members=[uploads.tar_member("x" * 90 + "/y")])
    factories.stored_file("example-1.70.tar.gz", archive, sha256=sdist.sha256)
    advisories()
    add_default_pages()


def advisories() -> None:
    """Advisories of every severity about projects that are here and required here."""
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    factories.advisory(
        "GHSA-aaaa-bbbb-cccc", fixed="1.72", severity=[{"type": "CVSS_V3", "score": vector}],
        summary="Runs what a page sends, " + "and-one-very-long-word-" * 5,
        details="At length. " * 100 + "\n\n" + "x" * 200,
        references=[{"type": "ADVISORY", "url": "https://example.org/" + "x" * 100}], aliases=["CVE-2026-1"],
    )  # fmt: skip
    factories.advisory("PYSEC-2026-2", fixed="1.69", database_specific={"severity": "MODERATE"})
    factories.advisory("MAL-2026-3", "click", versions=["8.0"], summary="Malicious code in click (PyPI)")
    factories.advisory("PYSEC-2026-4", "package-1", introduced="0.4", last_affected="1.0")
    factories.advisory("PYSEC-2026-5", "package-2", withdrawn="2026-11-02T00:00:00Z")


@pytest.fixture
def address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the site with the catalogue in it."""
    monkeypatch.setitem(app.config, "STATS_MAX_AGE_S", 3600)
    begin(app, "browser", catalogue)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Visitor:
    """A browser window on the site. What goes wrong in it is written down, for `check` at the end of each test."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.problems: list[str] = []
        self.expected: list[str] = []
        self.contexts: list[BrowserContext] = []

    def window(self, size: tuple[int, int] = DESKTOP, **options: Any) -> Page:
        """Open a window with nothing kept from any other."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=self.address, locale="en-GB", **options
        )
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", self._request)
        return page

    def check(self) -> None:
        """Fail if a script failed, the console has an error, or anything was asked of another host."""
        for context in self.contexts:
            context.close()
        assert [problem for problem in self.problems if not any(text in problem for text in self.expected)] == []

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text} ({message.location})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(self.address + "/"):
            self.problems.append(f"request to another host: {request.url}")


@pytest.fixture
def visitor(address: str, browser: Browser) -> Iterator[Visitor]:
    visitor = Visitor(browser, address)
    yield visitor
    visitor.check()
