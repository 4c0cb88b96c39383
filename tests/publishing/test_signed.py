"""Uploads with real attestations, on a site that verifies who signed them."""

import json
from pathlib import Path
from typing import Any

import pypi_attestations
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.live import Run
from tests.publishing import attested, uploads
from tests.publishing.attested import CIRCLECI, GITHUB, GITLAB, GOOGLE, SIGNERS, STAGING
from tests.reading import page_of
from webapp.documents import Contents, Package, StoredFile
from webapp.rules.signatures import SignatureVerifier

VERSIONS = {GITHUB: "0.0.19", GITLAB: "0.0.3", CIRCLECI: "0.0.1.dev137", GOOGLE: "0.0.0"}


@pytest.fixture(scope="module")
def verifier() -> SignatureVerifier:
    return SignatureVerifier()


@pytest.fixture
def client(app: Flask, verifier: SignatureVerifier, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A program that talks to a site with VERIFY_ATTESTATIONS=1."""
    monkeypatch.setitem(app.extensions, "signature_verifier", verifier)
    return app.test_client()


def send(client: FlaskClient, filename: str, attestations: Any = None, secret: str | None = None) -> TestResponse:
    secret = secret or uploads.publisher()[1]
    sent = json.dumps(attested.attestations(filename) if attestations is None else attestations)
    return uploads.upload(client, secret, attested.content(filename), filename, attestations=sent)


def provenance(client: FlaskClient, filename: str) -> TestResponse:
    name = filename.split("-")[0].replace("_", "-")
    return client.get(f"/integrity/{name}/{VERSIONS[filename]}/{filename}/provenance")


@pytest.mark.parametrize("filename", SIGNERS)
def test_what_is_served_is_verified_by_the_library_for_the_signer_it_names(
    client: FlaskClient, filename: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where the library copies its keys

    assert send(client, filename).status_code == 200

    served = pypi_attestations.Provenance.model_validate_json(provenance(client, filename).data)
    file = pypi_attestations.Distribution(name=filename, digest=attested.sha256(filename))
    [bundle] = served.attestation_bundles
    found = [each.verify(bundle.publisher, file, offline=True)[0] for each in bundle.attestations]
    assert len(found) == len(attested.attestations(filename))


def test_command_of_the_library_verifies_what_is_served(client: FlaskClient, run: Run, tmp_path: Path) -> None:
    send(client, GITHUB)
    (tmp_path / GITHUB).write_bytes(attested.content(GITHUB))
    (tmp_path / "provenance.json").write_bytes(provenance(client, GITHUB).data)

    def verify(repository: str) -> tuple[int, str]:
        where = ("--repository", f"https://github.com/{repository}", "--provenance-file", "provenance.json")
        done = run("pypi_attestations", "verify", "pypi", "--offline", *where, GITHUB)
        return done.returncode, done.stdout + done.stderr

    status, said = verify("trailofbits/pypi-attestations")
    assert (status, said.splitlines()[-1]) == (0, f"OK: {GITHUB}")
    status, said = verify("trailofbits/another")
    assert status != 0
    assert "trailofbits/another" in said


def test_project_page_says_who_signed_a_file(client: FlaskClient) -> None:
    send(client, GITHUB)

    [link] = page_of(client.get("/project/pypi-attestations/")).select('.file-facts a[href$="/provenance"]')

    assert link.text == f"signed by {SIGNERS[GITHUB]}"


OTHER = uploads.sdist("pypi-attestations", "0.0.19")


@pytest.mark.parametrize(
    ("filename", "content", "attestations", "reason"),
    [
        (GITHUB, OTHER, attested.attestations(GITHUB), "is about another file"),
        (STAGING, attested.content(STAGING), attested.attestations(STAGING), "cannot be verified"),
    ],
)
def test_upload_with_attestations_that_cannot_be_verified_is_refused_and_leaves_nothing(
    client: FlaskClient, filename: str, content: bytes, attestations: Any, reason: str
) -> None:
    answer = uploads.upload(client, uploads.publisher()[1], content, filename, attestations=json.dumps(attestations))

    assert answer.status_code == 400
    assert reason in answer.text
    assert answer.text.count("\n") <= 1
    assert not StoredFile.objects
    assert not Package.objects
    assert not Contents.objects


def test_without_verification_nobody_is_named(app: Flask) -> None:
    client = app.test_client()

    assert send(client, STAGING).status_code == 200

    [file] = StoredFile.objects.raw().find()
    assert "publisher" not in file
    served = client.get(f"/integrity/rfc8785/0.1.2/{STAGING}/provenance").json
    assert served["attestation_bundles"][0]["publisher"] == {"kind": "Larder account", "claims": None}  # type: ignore[index]
    [link] = page_of(client.get("/project/rfc8785/")).select('.file-facts a[href$="/provenance"]')
    assert link.text == "attestations"
