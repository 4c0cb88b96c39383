"""Attestations (PEP 740) that are not about their file, or that are listed and missing, and how to repair them."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import bson
from packaging.utils import NormalizedName

from webapp.documents import Package, StoredFile, UpstreamFile
from webapp.documents.base import Plain, as_declared
from webapp.documents.package import ConcurrentChange
from webapp.documents.stored_file import STORED
from webapp.inspection.findings import Finding
from webapp.rules.attestations import BadAttestations, check_provenance, read_attestations
from webapp.serving.extensions import signature_verifier


def broken_attestations() -> Iterator[Finding]:
    """Yield the findings about attestations of uploaded files and of files from upstream."""
    yield from _of_uploads()
    yield from _listed_without()
    yield from _of_upstream()


def _of_uploads() -> Iterator[Finding]:
    fields = dict.fromkeys(("sha256", "attestations", "publisher"), 1)
    for son in (
        StoredFile.objects.raw().find({"state": STORED, "attestations": {"$exists": True}}, fields).sort("_id", 1)
    ):
        plain = as_declared(StoredFile, son)
        try:
            found = read_attestations(json.dumps(plain.get("attestations")), str(son["_id"]), plain.get("sha256", ""))
            _verify(found, plain)
        except BadAttestations as error:
            yield Finding("files", son["_id"], "attestations", str(error))


def _verify(attestations: list[dict[str, Any]], file: Plain) -> None:
    """Verify signatures that were verified when the file was uploaded, if this site does that."""
    verifier = signature_verifier()
    if verifier and "publisher" in file:
        signer = verifier.signer_of(attestations, file["filename"], file["sha256"])
        if signer.publisher != file["publisher"]:
            raise BadAttestations(f"They were signed by {signer.address}, but `publisher` names somebody else.")


def _listed_without() -> Iterator[Finding]:
    """Yield projects that list a file with attestations, although none are kept."""
    pipeline: list[Plain] = [
        {"$match": {"releases.files.is_attested": True}},
        {"$project": {"file": "$releases.files"}},
        {"$unwind": "$file"},
        {"$unwind": "$file"},
        {"$match": {"file.is_attested": True}},
        {"$project": {"name": "$file.filename"}},
        {"$lookup": {"from": "files", "localField": "name", "foreignField": "_id", "as": "kept"}},
        {"$match": {"kept.attestations": {"$exists": False}}},
        {"$project": {"name": 1}},
        {"$sort": {"_id": 1, "name": 1}},
    ]
    for son in Package.objects.raw().aggregate(pipeline):
        what = f"{son['name']} is listed with attestations, but none are kept"
        repair = partial(_list_without, son["_id"], son["name"])
        yield Finding("packages", son["_id"], "attestations-missing", what, repair)


def _list_without(key: str, filename: str) -> bool:
    package = Package.to_change(NormalizedName(key))
    if package is None:
        return False
    for file in (file for release in package.all_releases() for file in release.files if file.filename == filename):
        file.is_attested = file.signed_by = None
    try:
        package.clean()
        package.store()
    except ConcurrentChange:
        return False
    return True


def _of_upstream() -> Iterator[Finding]:
    kept = UpstreamFile.objects.raw().find({"provenance": {"$gt": ""}}, {"provenance": 1}).sort("_id", 1)
    for son in kept:
        try:
            check_provenance(son["provenance"].encode(), son["_id"])
        except BadAttestations as error:
            what = f"its provenance is unusable: {error}"
            yield Finding("upstream_files", son["_id"], "provenance", what, partial(_forget, son))


def _forget(son: Plain) -> bool:
    """Remove a provenance object, which is then fetched again."""
    size = bson.Int64(-len(son["provenance"].encode()))
    change = {"$unset": {"provenance": ""}, "$inc": {"kept_bytes": size}}
    return bool(
        UpstreamFile.objects.raw()
        .update_one({"_id": son["_id"], "provenance": son["provenance"]}, change)
        .matched_count
    )
