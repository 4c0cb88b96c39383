"""Attestations sent with an upload (PEP 740): kept and served with the file, or refused with a reason."""

import base64
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.publishing import uploads
from tests.publishing.uploads import wheel, wheel_name
from tests.reading import page_of
from webapp.documents import Package, StoredFile

PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
SLSA = "https://slsa.dev/provenance/v1"
PROVENANCE = f"/integrity/larder-probe/1.0/{wheel_name()}/provenance"
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def statement(**other: Any) -> dict[str, Any]:
    """A statement about the wheel that these tests upload."""
    subject = [{"name": wheel_name(), "digest": {"sha256": uploads.sha256(wheel())}}]
    said = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": PUBLISH, "predicate": None}
    return said | other


def attestation(said: Any = None) -> dict[str, Any]:
    """An attestation in its right shape. Its signature is none: nothing here verifies it."""
    return {
        "version": 1,
        "verification_material": {"certificate": encoded("certificate"), "transparency_entries": [{"logIndex": "1"}]},
        "envelope": {"statement": encoded(said or statement()), "signature": encoded("signature")},
    }


def send(client: FlaskClient, attestations: Any, secret: str | None = None) -> TestResponse:
    secret = secret or uploads.publisher()[1]
    text = attestations if isinstance(attestations, str) else json.dumps(attestations)
    return uploads.upload(client, secret, wheel(), wheel_name(), attestations=text)


def test_attestations_are_served_as_they_were_sent(client: FlaskClient) -> None:
    sent = [attestation(), attestation(statement(predicateType=SLSA, predicate={"builder": {}}))]

    assert send(client, sent).status_code == 200

    served = client.get(PROVENANCE)
    assert served.status_code == 200
    assert served.content_type == "application/vnd.pypi.integrity.v1+json"
    assert served.json["version"] == 1  # type: ignore[index]
    assert [bundle["attestations"] for bundle in served.json["attestation_bundles"]] == [sent]  # type: ignore[index]
    [file] = client.get("/simple/larder-probe/", headers=JSON).json["files"]  # type: ignore[index]
    assert file["provenance"] == f"http://localhost{PROVENANCE}"
    [link] = page_of(client.get("/simple/larder-probe/")).select("a[href*=larder_probe]")
    assert link["data-provenance"] == f"http://localhost{PROVENANCE}"
    [link] = page_of(client.get("/project/larder-probe/")).select('.file-facts a[href$="/provenance"]')
    assert (link.text, link["href"]) == ("attestations", PROVENANCE)


def test_file_without_attestations_has_no_provenance(client: FlaskClient) -> None:
    _, secret = uploads.publisher()

    uploads.upload(client, secret, wheel(), wheel_name())

    answer = client.get(PROVENANCE)
    assert (answer.status_code, answer.json) == (404, {"message": f"No provenance available for {wheel_name()}"})
    assert "provenance" not in client.get("/simple/larder-probe/", headers=JSON).json["files"][0]  # type: ignore[index]
    assert "attestations" not in client.get("/project/larder-probe/").text


def test_provenance_is_at_the_address_of_its_file_alone(client: FlaskClient) -> None:
    send(client, [attestation()])

    assert client.get(PROVENANCE.replace("larder-probe", "Larder.Probe")).status_code == 200
    assert client.get(PROVENANCE.replace("larder-probe/", "other/")).status_code == 404
    assert client.get(PROVENANCE.replace("/1.0/", "/2.0/")).status_code == 404
    assert client.get(PROVENANCE, headers={"Accept": "application/json"}).content_type == "application/json"
    assert client.get(PROVENANCE, headers={"Accept": "text/html"}).status_code == 406


def test_quarantined_and_deleted_files_have_no_provenance(client: FlaskClient) -> None:
    send(client, [attestation()])
    Package.objects.update(set__status={"marker": "quarantined"})

    assert client.get(PROVENANCE).status_code == 403

    Package.objects.update(unset__status=1)
    StoredFile.objects.update(set__state="deleted")
    assert client.get(PROVENANCE).status_code == 404


def without(*path: str) -> dict[str, Any]:
    made = attestation()
    held = made
    for part in path[:-1]:
        held = held[part]
    del held[path[-1]]
    return made


OTHER_FILE = [{"name": "b.whl", "digest": {"sha256": "a" * 64}}]


@pytest.mark.parametrize(
    ("attestations", "reason"),
    [
        ("[", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        (f"[{2**64}]", "cannot be read as JSON"),
        ([attestation() | {"more": "\ud800"}], "cannot be read as JSON"),
        ([attestation() | {"more": json.loads("[" * 250 + "]" * 250)}], "more than 50 levels"),
        ("x" * 200_001, "more than 200,000 characters"),
        ([], "must be a JSON array that is not empty"),
        ({}, "must be a JSON array that is not empty"),
        ([{"nonsense": 1}], "must be an object of version 1"),
        ([attestation() | {"version": 2}], "must be an object of version 1"),
        ([without("envelope")], "needs `verification_material` and `envelope`"),
        ([without("verification_material", "certificate")], "needs `certificate` in Base64"),
        ([without("verification_material", "transparency_entries")], "at least one of `transparency_entries`"),
        ([without("envelope", "signature")], "needs `signature` in Base64"),
        ([attestation("a text")], "must be of the type"),
        ([attestation(statement(_type="x"))], "must be of the type"),
        ([attestation(statement(subject=[]))], "one subject"),
        ([attestation(statement(predicateType="x"))], "must have the predicate type"),
        ([attestation(statement(subject=OTHER_FILE))], "is about another file"),
        ([attestation(), attestation()], "one attestation for each predicate type"),
    ],
)
def test_attestations_that_say_something_else_refuse_the_upload(
    client: FlaskClient, attestations: Any, reason: str
) -> None:
    answer = send(client, attestations)

    assert answer.status_code == 400
    assert reason in answer.text
    assert not StoredFile.objects
    assert not Package.objects


def test_attestations_that_come_after_their_file_are_not_dropped_in_silence(client: FlaskClient) -> None:
    _, secret = uploads.publisher()
    uploads.upload(client, secret, wheel(), wheel_name())

    answer = send(client, [attestation()], secret)

    assert answer.status_code == 200
    assert "Attestations are kept only when a file is published" in answer.text
