"""The attestations of a file of the other index, as PyPI sent them for a real one: kept with it, and served here."""

import json
import time

import pytest
import requests
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.live import live
from tests.local_http import Answer
from tests.publishing import attested
from tests.upstream.conftest import JSON, Other, configured, described, failure, page
from webapp.documents import UpstreamFile
from webapp.upstream import fetching


class TestProvenance:
    """Of one wheel."""

    project = "circleci-sign-publish-example"
    listing = f"/simple/{project}/"
    name = attested.CIRCLECI
    content = attested.content(attested.CIRCLECI)
    sent = (attested.FOLDER / f"{attested.CIRCLECI}.provenance").read_bytes()
    here = f"/integrity/{project}/0.0.1.dev137/{attested.CIRCLECI}/provenance"

    @pytest.fixture
    def other(self, other: Other) -> Other:
        """The other index, with a file that has attestations."""
        url = f"{other.address}/integrity/there"
        file = described(self.content, self.name, provenance=url, **{"core-metadata": None, "requires-python": None})
        found = {
            "meta": {"api-version": "1.3"},
            "name": self.project,
            "versions": ["0.0.1.dev137"],
            "files": [file],
        }
        other.answers[self.listing] = Answer(body=json.dumps(found).encode(), content_type=JSON)
        other.answers[f"/files/{self.name}"] = Answer(body=self.content)
        other.answers["/integrity/there"] = Answer(body=self.sent)
        return other

    def fetch(self, client: FlaskClient) -> None:
        """Download the file as an installer does, to the end."""
        [file] = page(client, self.project)["files"]
        with client.get(file["url"]) as answer:
            assert answer.data == self.content

    def test_page_leads_to_our_own_address(self, client: FlaskClient, other: Other) -> None:
        [file] = page(client, self.project)["files"]

        assert file["provenance"] == f"http://localhost{self.here}"
        [link] = BeautifulSoup(client.get(self.listing).text, "html.parser").select("a")
        assert link["data-provenance"] == f"http://localhost{self.here}"

    def test_provenance_of_a_downloaded_file_is_here_when_the_other_index_is_not(
        self, client: FlaskClient, other: Other
    ) -> None:
        self.fetch(client)
        gone(other)
        other.asked.clear()

        answer = client.get(self.here)

        assert (answer.status_code, answer.data) == (200, self.sent)
        assert answer.content_type == "application/vnd.pypi.integrity.v1+json"
        assert other.asked == []
        assert UpstreamFile.objects.get().kept_bytes == len(self.content) + len(self.sent)

    def test_provenance_is_fetched_once_and_without_the_file_too(self, client: FlaskClient, other: Other) -> None:
        assert client.get(self.here).data == client.get(self.here).data == self.sent

        self.fetch(client)
        self.fetch(client)

        assert other.asked.count("/integrity/there") == 1

    def test_wheel_that_is_fetched_for_its_metadata_gets_its_provenance_later(
        self, client: FlaskClient, other: Other
    ) -> None:
        """And so does a file that is here since before provenance was kept."""
        self.fetch(client)
        UpstreamFile.objects.update(unset__provenance=1)
        self.fetch(client)
        gone(other)

        assert client.get(self.here).data == self.sent

    @pytest.mark.parametrize("status", [404, 410])
    def test_file_without_provenance_is_served_and_the_absence_is_remembered(
        self, client: FlaskClient, other: Other, status: int
    ) -> None:
        other.answers["/integrity/there"] = Answer(status)

        self.fetch(client)
        self.fetch(client)

        assert client.get(self.here).status_code == 404
        assert other.asked.count("/integrity/there") == 1

    @pytest.mark.parametrize(
        ("answer", "status", "reason"),
        [
            (Answer(403), 403, "answered 403 for the provenance of"),
            (Answer(500), 502, "answered 500 for the provenance of"),
            (Answer(503), 503, "did not answer a moment ago"),
            (Answer(body=b"{}"), 502, "is not a provenance object"),
            (Answer(body=b"[" * 100_000), 502, "is not a provenance object"),
            (Answer(body=b'{"version": 1, "attestation_bundles": []}'), 502, "has no attestations"),
            (Answer(body=b"\xff"), 502, "utf-8"),
            (Answer(body=b" " * 500_001), 502, "more than 500,000 bytes"),
            (Answer(body=(attested.FOLDER / f"{attested.GOOGLE}.provenance").read_bytes()), 502, "about another file"),
            (Answer(body=sent, cut_at=900), 502, "broke off"),
        ],
    )
    def test_what_is_wrong_with_it_keeps_nobody_from_installing(
        self, client: FlaskClient, other: Other, answer: Answer, status: int, reason: str
    ) -> None:
        other.answers["/integrity/there"] = answer

        self.fetch(client)

        code, message = failure(client, self.here)
        assert (code, reason in message) == (status, True), message
        assert "provenance" not in UpstreamFile.objects.raw().find_one()

    def test_installer_does_not_wait_for_it(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_TIMEOUT_S=10)
        monkeypatch.setattr(fetching, "URGENT_S", 10)
        other.answers["/integrity/there"] = Answer(body=self.sent, delay_s=3)
        [file] = page(client, self.project)["files"]

        with live(app) as address:
            started = time.monotonic()
            assert requests.get(f"{address}{file['url']}", timeout=9).content == self.content
            took_s = time.monotonic() - started
            while not UpstreamFile.objects(provenance__ne=None).count():  # the time limit of the test ends this
                time.sleep(0.05)

        assert took_s < 3

    @pytest.mark.parametrize("answer", [Answer(delay_s=2), Answer(0), Answer(503)])
    def test_provenance_that_does_not_come_has_no_effect_on_other_requests(
        self, app: Flask, client: FlaskClient, other: Other, monkeypatch: pytest.MonkeyPatch, answer: Answer
    ) -> None:
        configured(app, monkeypatch, UPSTREAM_TIMEOUT_S=1)
        other.answers["/integrity/there"] = answer

        self.fetch(client)
        self.fetch(client)

        assert other.asked.count("/integrity/there") == 1  # it is left alone for a while ...
        assert page(client)["name"] == "larder-probe"  # ... and the index is not

    @pytest.mark.parametrize("place", ["0.0.1/{name}", "0.0.1.dev137/x-{name}", "0.0.1.dev137/x-0.0.1.dev137.zip"])
    def test_other_addresses_have_none(self, client: FlaskClient, other: Other, place: str) -> None:
        address = f"/integrity/{self.project}/{place.format(name=self.name)}/provenance"

        assert client.get(address).status_code == 404

    def test_host_that_may_not_serve_files_is_not_asked(self, client: FlaskClient, other: Other) -> None:
        found = json.loads(other.answers[self.listing].body)
        found["files"][0]["provenance"] = "http://elsewhere.example/provenance"
        other.answers[self.listing] = Answer(body=json.dumps(found).encode(), content_type=JSON)

        self.fetch(client)

        code, message = failure(client, self.here)
        assert code == 502
        assert "elsewhere.example is not one of the hosts" in message

    def test_project_that_is_ours_has_nothing_from_there(self, client: FlaskClient, other: Other) -> None:
        self.fetch(client)

        factories.package(self.project)

        assert client.get(self.here).status_code == 404


def gone(other: Other) -> None:
    """Let the other index answer nothing any more."""
    other.answers.update(dict.fromkeys(other.answers, Answer(0)))
