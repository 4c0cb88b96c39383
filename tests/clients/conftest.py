"""A site with three releases, as an operator starts it, and the table of what the clients could do with it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from tests import factories
from tests.publishing import uploads
from tests.servers import serving
from webapp.documents import DOCUMENTS, Package

NAME = "larder-probe"


@dataclass(frozen=True)
class Shop:
    """A running site. `secret` is an API token that may upload and install."""

    host: str
    secret: str
    access: str

    def index(self, user: str = "") -> str:
        """The address of the simple index, with a user (name, or name:password) in it if one is given."""
        return f"http://{user}{'@' if user else ''}{self.host}/simple/"

    @property
    def index_for_all(self) -> str:
        """The address that is enough to install: on a members' site, the token is in it."""
        return self.index(f"__token__:{self.secret}" if self.access == "members" else "")

    @property
    def upload_address(self) -> str:
        return f"http://{self.host}/legacy/"


@pytest.fixture(scope="module", params=("public", "members"))
def shop(site: Flask, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The site with releases 1.0, 2.0 and 3.0 of one project; 3.0 is yanked."""
    log = tmp_path_factory.mktemp("site") / "log"
    with site.app_context():
        for document_type in DOCUMENTS:
            document_type._get_collection().delete_many({})
        secret = uploads.token_of(factories.user(), permissions=("upload", "read"))
        for version in ("1.0", "2.0", "3.0"):
            answer = uploads.upload(
                site.test_client(), secret, uploads.wheel(NAME, version), uploads.wheel_name(NAME, version)
            )
            assert answer.status_code == 200, answer.text
        package = Package.objects.get(pk=NAME)
        for release in package.releases:
            release.yanked = release.version == "3.0"
        package.save()
        settings = {"READ_ACCESS": request.param, "HTTPS_ONLY": 0}
        with serving(log, site.config["MONGODB_URI"], workers=1, **settings) as running:
            yield Shop(running.address.removeprefix("http://"), secret, request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table: a line for each client, a column for each ability, public and members' site in each cell."""
    cells: dict[str, dict[str, dict[str, str]]] = {}
    for outcome, word in (("passed", "yes"), ("failed", "NO")):
        for report in terminalreporter.getreports(outcome):
            for key, value in getattr(report, "user_properties", ()):
                if key == "cell":
                    client, ability, access = value
                    cells.setdefault(client, {}).setdefault(ability, {})[access] = word
    if not cells:  # none of these tests ran
        return
    abilities = list(dict.fromkeys(ability for row in cells.values() for ability in row))
    terminalreporter.write_line("")
    terminalreporter.write_line("Each cell: public site / members' site")
    terminalreporter.write_line("| client | " + " | ".join(abilities) + " |")
    terminalreporter.write_line("|---" * (len(abilities) + 1) + "|")
    for client, row in cells.items():
        found = [row.get(ability, {}) for ability in abilities]
        words = [
            " / ".join(each.get(access, "-") for access in ("public", "members")) if each else "-" for each in found
        ]
        terminalreporter.write_line(f"| {client} | " + " | ".join(words) + " |")
