"""What a check finds about real attestations, what a repair does, and whether they survive a dump and a deletion."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from packaging.utils import NormalizedName

from tests.inspection.cookbook_site import empty
from tests.publishing import attested, uploads
from tests.publishing.attested import CIRCLECI, GITHUB
from tests.reading import page_of
from webapp.changes import withdrawing
from webapp.documents import Package, StoredFile, UpstreamFile, User
from webapp.inspection.check import check
from webapp.rules.signatures import SignatureVerifier

pytestmark = pytest.mark.real_server

PROVENANCE = (attested.FOLDER / f"{CIRCLECI}.provenance").read_text()
ADDRESS = f"/integrity/pypi-attestations/0.0.19/{GITHUB}/provenance"


@pytest.fixture
def ada(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody who has published a file with attestations on a site that verifies them; one of upstream's is kept."""
    monkeypatch.setitem(app.extensions, "signature_verifier", SignatureVerifier())
    user, secret = uploads.publisher()
    sent = json.dumps(attested.attestations(GITHUB))
    assert uploads.upload(client, secret, attested.content(GITHUB), GITHUB, attestations=sent).status_code == 200
    kept = {"filename": CIRCLECI, "provenance": PROVENANCE}
    UpstreamFile.store_part(attested.sha256(CIRCLECI), "provenance", kept, len(PROVENANCE), 1_000_000)
    return user


def change(**fields: Any) -> None:
    StoredFile.objects.raw().update_one({"_id": GITHUB}, {"$set": fields})


def found() -> list[tuple[str, Any, str, str]]:
    return [finding[:4] for finding in check()]


def test_good_attestations_are_no_finding(ada: User) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("sha256", "a" * 64, "An attestation is about another file than"),
        ("attestations", [], "must be a JSON array that is not empty"),
        ("attestations.0.version", 2, "Each attestation must be an object of version 1"),
        ("attestations.0.envelope.signature", "c2lnbmF0dXJl", "An attestation cannot be verified"),
        ("publisher.repository", "acme/hello", "but `publisher` names somebody else"),
    ],
)
def test_broken_attestations_of_an_upload_are_named(ada: User, field: str, value: Any, what: str) -> None:
    change(**{field: value})

    [finding] = [each for each in found() if each[2] == "attestations"]

    assert finding[:3] == ("files", GITHUB, "attestations")
    assert what in finding[3]


def test_attestations_that_are_listed_and_missing_are_no_longer_listed(
    ada: User, client: FlaskClient, runner: FlaskCliRunner
) -> None:
    StoredFile.objects.raw().update_one({"_id": GITHUB}, {"$unset": {"attestations": "", "publisher": ""}})

    what = f"{GITHUB} is listed with attestations, but none are kept"
    assert found() == [("packages", "pypi-attestations", "attestations-missing", what)]
    assert runner.invoke(args=["db", "repair"]).exit_code == 0
    assert found() == []
    assert client.get(ADDRESS).status_code == 404
    assert page_of(client.get("/project/pypi-attestations/")).select('.file-facts a[href$="/provenance"]') == []


@pytest.mark.parametrize("text", ["{", PROVENANCE[:-9], "é" * 10])
def test_useless_provenance_of_upstream_is_named_and_forgotten(ada: User, runner: FlaskCliRunner, text: str) -> None:
    files = UpstreamFile.objects.raw()
    files.update_one({}, {"$set": {"provenance": text, "kept_bytes": len(text.encode())}})

    [finding] = found()
    assert finding[:3] == ("upstream_files", attested.sha256(CIRCLECI), "provenance")
    assert runner.invoke(args=["db", "repair"]).exit_code == 0

    kept = files.find_one() or {}
    assert ("provenance" in kept, kept["kept_bytes"]) == (False, 0)


def test_dump_that_is_loaded_serves_the_same(
    ada: User, app: Flask, client: FlaskClient, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    served = client.get(ADDRESS).data
    before = [list(each.objects.raw().find()) for each in (StoredFile, UpstreamFile)]
    assert runner.invoke(args=["db", "dump", str(tmp_path / "dump")]).exit_code == 0
    empty(Package._get_db())

    result = runner.invoke(args=["db", "load", str(tmp_path / "dump")])

    assert result.exit_code == 0, result.output
    assert [list(each.objects.raw().find()) for each in (StoredFile, UpstreamFile)] == before
    assert client.get(ADDRESS).data == served
    assert found() == []


def test_deleted_file_loses_its_attestations(ada: User, client: FlaskClient) -> None:
    withdrawing.delete_project(NormalizedName("pypi-attestations"), ada)

    [left] = StoredFile.objects.raw().find()
    assert left["state"] == "deleted"
    assert not {"attestations", "publisher", "metadata"} & left.keys()
    assert client.get(ADDRESS).status_code == 404
