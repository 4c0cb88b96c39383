"""Who signed real attestations, and what is refused. `pypi-attestations` itself verifies the same in other tests."""

import base64
import copy
import socket
from pathlib import Path
from typing import Any

import pypi_attestations
import pytest

from tests.publishing import attested
from tests.publishing.attested import CIRCLECI, GITHUB, GITLAB, GOOGLE, SIGNERS, STAGING
from webapp.rules.attestations import BadAttestations
from webapp.rules.signatures import SignatureVerifier


@pytest.fixture(scope="module")
def verifier() -> SignatureVerifier:
    return SignatureVerifier()


@pytest.mark.parametrize("filename", [GITHUB, GITLAB, CIRCLECI, GOOGLE])
def test_signer_of_published_attestations_is_the_one_in_the_certificate(
    verifier: SignatureVerifier, filename: str
) -> None:
    signer = verifier.signer_of(attested.attestations(filename), filename, attested.sha256(filename))

    assert signer.address == SIGNERS[filename]


def test_publisher_has_the_spelling_of_the_certificate_and_no_environment(verifier: SignatureVerifier) -> None:
    signer = verifier.signer_of(attested.attestations(GITHUB), GITHUB, attested.sha256(GITHUB))

    repository = "trailofbits/pypi-attestations"
    expected = {"kind": "GitHub", "repository": repository, "workflow": "release.yml", "environment": None}
    assert signer.publisher == expected


def changed(part: str, key: str, number: int) -> list[dict[str, Any]]:
    """Published attestations with one bit of a value in Base64 turned over."""
    [made, _] = copy.deepcopy(attested.attestations(GITHUB))
    value = bytearray(base64.b64decode(made[part][key]))
    value[number] ^= 1
    made[part][key] = base64.b64encode(value).decode()
    return [made]


def without_log() -> list[dict[str, Any]]:
    [made, _] = copy.deepcopy(attested.attestations(GITHUB))
    made["verification_material"]["transparency_entries"] = [{"logIndex": "1"}]
    return [made]


def of_another_version() -> list[dict[str, Any]]:
    """A certificate of a version that does not exist, about which the library raises an error of its own."""
    [made, _] = copy.deepcopy(attested.attestations(GITHUB))
    certificate = base64.b64decode(made["verification_material"]["certificate"])
    other = certificate.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03", 1)
    assert other != certificate
    made["verification_material"]["certificate"] = base64.b64encode(other).decode()
    return [made]


@pytest.mark.parametrize(
    ("attestations", "reason"),
    [
        (changed("envelope", "signature", -1), "cannot be verified"),
        (changed("envelope", "statement", -3), "cannot be verified"),
        (changed("verification_material", "certificate", -1), "cannot be verified"),
        (changed("verification_material", "certificate", 100), "cannot be verified"),
        (without_log(), "cannot be verified"),
        (of_another_version(), "cannot be verified"),
    ],
)
def test_attestations_that_were_changed_are_refused(
    verifier: SignatureVerifier, attestations: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(BadAttestations, match=reason):
        verifier.signer_of(attestations, GITHUB, attested.sha256(GITHUB))


def test_signature_of_other_keys_is_refused(verifier: SignatureVerifier) -> None:
    with pytest.raises(BadAttestations, match="cannot be verified"):
        verifier.signer_of(attested.attestations(STAGING), STAGING, attested.sha256(STAGING))


@pytest.mark.parametrize(
    ("filename", "sha256"), [("pypi_attestations-0.0.20.tar.gz", attested.sha256(GITHUB)), (GITHUB, "a" * 64)]
)
def test_good_signature_for_another_file_is_refused(verifier: SignatureVerifier, filename: str, sha256: str) -> None:
    with pytest.raises(BadAttestations, match="is about another file"):
        verifier.signer_of(attested.attestations(GITHUB), filename, sha256)


def test_attestations_of_two_signers_are_refused(verifier: SignatureVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    # Published attestations of one file by two signers could not be found, so the question about the file is left out.
    monkeypatch.setattr("webapp.rules.signatures.check_statement", lambda *_: "")
    both = [attested.attestations(GITHUB)[0], attested.attestations(GOOGLE)[0]]

    with pytest.raises(BadAttestations, match="must all have the same signer"):
        verifier.signer_of(both, GITHUB, attested.sha256(GITHUB))


def test_keys_are_those_of_the_installed_library_and_not_a_copy_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    copy_at_home = tmp_path / "sigstore-python" / "tuf" / address / "trusted_root.json"
    copy_at_home.parent.mkdir(parents=True)
    copy_at_home.write_text("{}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(socket.socket, "connect", None)  # nothing is asked either

    signer = SignatureVerifier().signer_of(attested.attestations(GOOGLE), GOOGLE, attested.sha256(GOOGLE))

    assert signer.address == SIGNERS[GOOGLE]
    with pytest.raises(ValueError, match="validation error"):
        pypi_attestations.Attestation.model_validate(attested.attestations(GOOGLE)[0]).verify(
            pypi_attestations.GooglePublisher(email=SIGNERS[GOOGLE]),
            pypi_attestations.Distribution(name=GOOGLE, digest=attested.sha256(GOOGLE)),
            offline=True,
        )
