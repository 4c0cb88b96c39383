"""Publish an examined file: completely, or not at all."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import IO, Any, NamedTuple

import bson
from mongoengine.errors import ValidationError

from webapp.changes import claims, new_names
from webapp.changes.deleting import delete_if_abandoned
from webapp.changes.listing import NewFile, NewRelease, list_files
from webapp.changes.lost_bytes import put_back
from webapp.changes.project_status import ProjectClosed, check_open
from webapp.changes.publishers import (
    NotTrusted,
    OnlyPublishers,
    Pipeline,
    check_member,
    check_pipeline,
    forget_pending,
    pending_for,
    used,
)
from webapp.changes.pypi_json import keep_labels
from webapp.changes.release_rules import OnlySessions, check_direct
from webapp.changes.rendering import render_into, stored_rendering
from webapp.changes.room import OverQuota, check_quota
from webapp.changes.signers import NotSigned, check_signed
from webapp.changes.stating import Statement, statement_of, with_rendered
from webapp.documents import JournalEntry, Maintainer, Package, PackageTooLarge, ReleaseFile, TeamRole, User, contents
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.release import own_url
from webapp.rules.distributions import WHEEL, Distribution
from webapp.rules.signatures import Signer

_BLOCK_BYTES = 1_000_000


# The fields that decide whether a file may be published.
_DECIDING = ("maintainers", "teams", "status", "signers", "release_rule", "publishers", "only_publishers")


class NotMaintained(RuntimeError):
    """The user does not maintain the project."""


# After these errors it is certain that the package does not list the file.
REFUSALS = (
    NotMaintained,
    NotTrusted,
    OnlyPublishers,
    OnlySessions,
    ProjectClosed,
    NotSigned,
    OverQuota,
    claims.NameTaken,
    claims.ClaimLost,
    PackageTooLarge,
    ConcurrentChange,
    ValidationError,
)


class Digests(NamedTuple):
    """The digests of a file, in hexadecimal."""

    sha256: str
    blake2b_256: str
    md5: str


class Upload(NamedTuple):
    """A received and examined file."""

    distribution: Distribution
    file: IO[bytes]
    size: int
    digests: Digests
    tool: str
    began_at: datetime  # when the request arrived, which may be minutes ago
    attestations: list[dict[str, Any]] | None = None
    signer: Signer | None = None  # of the attestations, if the site verifies signatures
    pipeline: Pipeline | None = None  # that sends it, in the name of nobody

    def sender(self, by: User | None) -> str:
        """Return who sends it, for readers."""
        if self.pipeline:
            return self.pipeline.source.repository or self.pipeline.issuer
        return by.shown_name if by else ""


def digests_of(file: IO[bytes]) -> Digests:
    """Return the digests of a file, read block by block from its start."""
    file.seek(0)
    # MD5 because old tools send and show it; nothing here relies on it.
    hashes = (hashlib.sha256(), hashlib.blake2b(digest_size=32), hashlib.md5(usedforsecurity=False))
    while block := file.read(_BLOCK_BYTES):
        for each in hashes:
            each.update(block)
    return Digests(*(each.hexdigest() for each in hashes))


class Published(NamedTuple):
    """The result of an upload."""

    is_new: bool  # False if this very file had been published before
    is_put_back: bool = False  # whether that file's bytes had been lost, and are there again
    problem: str | None = None  # why the project's description is shown as plain text, if it is


def publish(upload: Upload, by: User | None) -> Published:
    """Publish a file that a member uploads, or a pipeline; then `by` is only for the project that it creates.

    Raises NotMaintained, NotTrusted, OnlyPublishers, OnlySessions, ProjectClosed, NotSigned, NameRefused, OverQuota,
    NameTaken, StillArriving, ClaimLost, PackageTooLarge, ConcurrentChange, RenderersBusy. After any other error the
    claim stays, because it is unknown what the database has done; `claims` settles it later.
    """
    distribution = upload.distribution
    stored = stored_rendering(distribution.normalized_name, *_DECIDING)
    if stored is not None:
        _check_permitted(stored, upload, by)  # an early check, before the bytes are stored; `_list` decides
    else:
        new_names.take(distribution.normalized_name, by.id if by else None)
    statement = statement_of(
        distribution.metadata, distribution.packagetype, distribution.filename, distribution.entry_points
    )
    render_into(statement.said, stored)  # before anything is claimed or locked, because it may take long
    claim = claims.claim(distribution.filename, upload.digests.sha256, facts_of(upload, by))
    if claim is None:
        is_put_back = put_back(distribution.filename, upload.digests.sha256, upload.file)
        return Published(is_new=False, is_put_back=is_put_back)
    try:
        check_quota(distribution.normalized_name, by.id if by else None)
        contents.put(claim.content_id, distribution.filename, claim.chunks_of(upload.file))
        package = with_rendered(partial(_list, upload, statement, by, claim.heartbeat))
        if stored is None:
            check_owner_stays(package)
    except REFUSALS:
        claim.give_back()
        raise
    claim.settle()
    keep_labels(package)
    if upload.pipeline and stored is None:
        forget_pending(package)
    return Published(is_new=True, problem=package.description_problem)


def facts_of(upload: Upload, by: User | None) -> dict[str, object]:
    """Return what the document of an uploaded file says about it, apart from its digest and state."""
    distribution, digests = upload.distribution, upload.digests
    return {
        "canonical_name": distribution.canonical_name,
        "package": distribution.normalized_name,
        "version": distribution.version,
        "size": bson.Int64(upload.size),
        "blake2b_256": digests.blake2b_256,
        "md5": digests.md5,
        "metadata": distribution.metadata,
        "metadata_sha256": _metadata_sha256(distribution),
        **({} if distribution.entry_points is None else {"entry_points": distribution.entry_points}),
        **({"attestations": upload.attestations} if upload.attestations else {}),
        **({"publisher": upload.signer.publisher} if upload.signer else {}),
        **({"warnings": list(distribution.warnings)} if distribution.warnings else {}),
        "uploaded_at": utc_now(),
        **({"uploaded_by": by.id} if by else {}),
        "uploaded_with": upload.tool,
    }


def _list(upload: Upload, statement: Statement, by: User | None, heartbeat: Callable[[], None]) -> Package:
    """Add the file to its package, and return that; `statement` is what the file's metadata states."""
    distribution = upload.distribution
    files = [NewFile(release_file(upload, by), statement)]
    note = f"published by {upload.sender(by)}"[:300] if upload.pipeline else None
    new = NewRelease(statement.said.name, distribution.normalized_name, distribution.version, files, note)

    def admit(package: Package, is_new: bool) -> None:  # noqa: FBT001 - as `list_files` calls it
        deleted_at = JournalEntry.objects.last_deletion(package.pk) if is_new else None
        if deleted_at and deleted_at >= upload.began_at:
            raise NotMaintained(f"The project {package.pk} was deleted during this upload.")
        if is_new:
            _create(package, statement, upload, by)
        else:
            _check_permitted(package, upload, by)

    return list_files(new, by, admit, heartbeat)


def _create(package: Package, statement: Statement, upload: Upload, by: User | None) -> None:
    """Let a new package belong to who uploads it, a team, or who prepared this for a pipeline."""
    package.name = statement.said.name
    if upload.pipeline:
        pending, by = pending_for(package.pk, upload.pipeline)
        used(pending.publisher, upload.pipeline)
        package.publishers = [pending.publisher]
    if by is None:
        raise NotMaintained("Nobody would maintain the project.")
    if by.acts_for:
        raise NotMaintained(f"{by.shown_name} cannot create the project {package.pk}.")
    if by.is_program:
        package.teams = [TeamRole(team=each, role="owner") for each in by.team_names]
    else:
        package.maintainers = [Maintainer(user_id=by.id, name=by.shown_name, role="owner")]


def check_owner_stays(package: Package) -> None:
    """Delete a new project again if the account or team that owns it is just being deleted. Raises NotMaintained."""
    if delete_if_abandoned(package):
        raise NotMaintained(f"The account or team that would own the project {package.pk} is just being deleted.")


def _check_permitted(package: Package, upload: Upload, by: User | None) -> None:
    if upload.pipeline:
        used(check_pipeline(package, upload.pipeline), upload.pipeline)
    elif by is None or package.role_of(by.id, by.team_names) is None:
        name = upload.distribution.normalized_name
        raise NotMaintained(f"{upload.sender(by)} does not maintain the project {name}.")
    else:
        check_member(package)
    check_direct(package)
    check_open(package)
    check_signed(package, upload.signer)


def release_file(upload: Upload, by: User | None) -> ReleaseFile:
    """Return what a package will list of an upload."""
    distribution, digests = upload.distribution, upload.digests
    return ReleaseFile(
        filename=distribution.filename,
        url=own_url(digests.sha256, distribution.filename),
        size=upload.size,
        packagetype=distribution.packagetype,
        python_version=distribution.python_version,
        sha256=digests.sha256,
        blake2b_256=digests.blake2b_256,
        md5=digests.md5,
        uploaded_at=utc_now(),
        requires_python=distribution.requires_python,
        # Only for wheels: the metadata of an sdist is stored, but not offered to installers.
        metadata_sha256=_metadata_sha256(distribution) if distribution.packagetype == WHEEL else None,
        is_attested=True if upload.attestations else None,
        signed_by=upload.signer.address if upload.signer else None,
        uploaded_by=upload.sender(by),
        uploaded_with=upload.tool,
        source=upload.pipeline.source if upload.pipeline else None,
    )


def _metadata_sha256(distribution: Distribution) -> str:
    return hashlib.sha256(distribution.metadata.encode()).hexdigest()
