"""Attestations that come with an upload (PEP 740): what they must say about the file before they are kept.

Signatures are verified in `signatures`, if the site does that.
"""

import base64
import binascii
import json
from typing import Any

import bson

# The media type of a provenance object.
PROVENANCE = "application/vnd.pypi.integrity.v1+json"
MAX_BYTES = 200_000
# Real ones have eight levels, and MongoDB takes about 200.
MAX_DEPTH = 50
STATEMENT = "https://in-toto.io/Statement/v1"
# The predicates that PyPI takes; one attestation for each.
PREDICATES = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")


class BadAttestations(ValueError):
    """Attestations that are malformed, or about another file. The message says why."""


def read_attestations(text: str, filename: str, sha256: str) -> list[dict[str, Any]]:
    """Return the attestations in the upload form's field, a JSON array. Raises BadAttestations.

    Each is {version, verification_material: {certificate, transparency_entries}, envelope: {statement, signature}}, and
    its statement names this file and its SHA-256.
    """
    if len(text) > MAX_BYTES:
        raise BadAttestations(f"The attestations have more than {MAX_BYTES:,} characters.")
    try:
        sent = json.loads(text)
        bson.encode({"sent": sent})
    except (ValueError, RecursionError, bson.errors.BSONError, OverflowError) as error:
        raise BadAttestations(f"The attestations cannot be read as JSON: {type(error).__name__}.") from None
    if _is_deeper(sent, MAX_DEPTH):
        raise BadAttestations(f"The attestations have more than {MAX_DEPTH} levels.")
    if not isinstance(sent, list) or not sent:
        raise BadAttestations("The attestations must be a JSON array that is not empty.")
    predicates = [_predicate_of(each, filename, sha256) for each in sent]
    if len(set(predicates)) < len(predicates):
        raise BadAttestations("There may be one attestation for each predicate type.")
    return sent


def check_provenance(encoded: bytes, sha256: str) -> None:
    """Raise BadAttestations unless this is a provenance object whose attestations are about the file of this digest.

    The name in them may be another spelling of the file's, as those of PyPI's first attestations are.
    """
    try:
        provenance = json.loads(encoded)
        bundles = [each["attestations"] for each in provenance["attestation_bundles"]]
        envelopes = [each["envelope"] for bundle in bundles for each in bundle]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise BadAttestations("it is not a provenance object (PEP 740)") from None
    if not envelopes or not all(isinstance(each, dict) for each in envelopes):
        raise BadAttestations("it has no attestations")
    for envelope in envelopes:
        if _subject_of(_statement(_decoded(envelope, "statement")))[1] != sha256:
            raise BadAttestations("it is about another file")


def _predicate_of(attestation: Any, filename: str, sha256: str) -> str:
    """Return the predicate type of a well-formed attestation about this file."""
    if not isinstance(attestation, dict) or attestation.get("version") != 1:
        raise BadAttestations("Each attestation must be an object of version 1.")
    material, envelope = attestation.get("verification_material"), attestation.get("envelope")
    if not isinstance(material, dict) or not isinstance(envelope, dict):
        raise BadAttestations("An attestation needs `verification_material` and `envelope`.")
    _decoded(material, "certificate")
    _decoded(envelope, "signature")
    entries = material.get("transparency_entries")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise BadAttestations("An attestation needs at least one of `transparency_entries`.")
    return check_statement(_decoded(envelope, "statement"), filename, sha256)


def check_statement(encoded: bytes, filename: str, sha256: str) -> str:
    """Return the predicate type of a statement about this file. Raises BadAttestations."""
    statement = _statement(encoded)
    if _subject_of(statement) != (filename, sha256):
        raise BadAttestations(f"An attestation is about another file than {filename} with the SHA-256 {sha256}.")
    predicate = statement.get("predicateType")
    if predicate not in PREDICATES:
        raise BadAttestations(f"An attestation must have the predicate type {' or '.join(PREDICATES)}.")
    return str(predicate)


def _is_deeper(value: Any, most: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(most == 0 or _is_deeper(each, most - 1) for each in inner)


def _statement(encoded: bytes) -> dict[str, Any]:
    try:
        statement = json.loads(encoded)
    except (ValueError, RecursionError):
        raise BadAttestations("The statement of an attestation cannot be read as JSON.") from None
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise BadAttestations(f"The statement of an attestation must be of the type {STATEMENT}.")
    return statement


def _subject_of(statement: dict[str, Any]) -> tuple[Any, Any]:
    """Return the name and the SHA-256 of a statement's only subject."""
    subjects = statement.get("subject")
    only = subjects[0] if isinstance(subjects, list) and len(subjects) == 1 else None
    digest = only.get("digest") if isinstance(only, dict) else None
    if not isinstance(only, dict) or not isinstance(digest, dict):
        raise BadAttestations("The statement of an attestation must have one subject with a name and a digest.")
    return only.get("name"), digest.get("sha256")


def _decoded(holder: dict[str, Any], key: str) -> bytes:
    try:
        found = base64.b64decode(holder.get(key, ""), validate=True)
    except (TypeError, ValueError, binascii.Error):
        found = b""
    if not found:
        raise BadAttestations(f"An attestation needs `{key}` in Base64.")
    return found
