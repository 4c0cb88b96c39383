"""A site with a few releases, as an operator starts it, and the tables of what the clients could do with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.clients import tables
from tests.clients.shop import APP, NAME, SOURCE, VERSIONS, Shop, sdist
from tests.publishing import uploads
from tests.servers import serving
from webapp.documents import DOCUMENTS, Package


@pytest.fixture(scope="module", params=("public", "members"))
def shop(site: Flask, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The site with releases 1.0, 2.0 and 3.0 of one project, of which 3.0 is yanked; an app; and an sdist."""
    log = tmp_path_factory.mktemp("site") / "log"
    with site.app_context():
        for document_type in DOCUMENTS:
            document_type._get_collection().delete_many({})
        secret = uploads.token_of(factories.user(), permissions=("upload", "read"))
        needs = uploads.metadata(APP, "1.0", f"Requires-Dist: {NAME}", "Requires-Python: >=3.6")
        files = {uploads.wheel_name(NAME, version): uploads.wheel(NAME, version) for version in VERSIONS}
        files[uploads.wheel_name(APP)] = uploads.wheel(APP, text=needs)
        files[uploads.sdist_name(SOURCE)] = sdist()
        for name, content in files.items():
            answer = uploads.upload(site.test_client(), secret, content, name)
            assert answer.status_code == 200, answer.text
        package = Package.objects.get(pk=NAME)
        for release in package.releases:
            release.yanked = release.version == "3.0"
        package.save()
        # All clients have one address, and many send wrong tokens on purpose.
        settings = {"READ_ACCESS": request.param, "HTTPS_ONLY": 0, "SIGN_IN_FAILURES": "1000/5minutes"}
        with serving(log, site.config["MONGODB_URI"], workers=1, **settings) as running:
            yield Shop(running, secret, request.param)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own below the test's."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each client could do: the tables of docs/publishing.md, if all went well."""
    outcomes: dict[tables.Key, set[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", ()):
                if name == "cell":
                    outcomes.setdefault(tuple(value), set()).add(outcome)
    if outcomes:  # some of these tests ran
        terminalreporter.write_line("")
        terminalreporter.write_line(tables.of_outcomes(outcomes))
