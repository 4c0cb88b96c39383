"""Publish an examined file: completely, or not at all."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import IO, Any, NamedTuple

import bson
from mongoengine.errors import ValidationError

from webapp.changes import claims, new_names
from webapp.changes.changing import Act, changes
from webapp.changes.project_status import ProjectClosed, check_open
from webapp.changes.pypi_json import keep_labels
from webapp.changes.rendering import render_into, stored_rendering
from webapp.changes.room import OverQuota, check_quota
from webapp.changes.stating import Statement, show_latest, state, statement_of, with_rendered
from webapp.documents import Maintainer, Package, PackageTooLarge, Release, ReleaseFile, User, contents
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.release import own_url
from webapp.rules.distributions import WHEEL, Distribution

_BLOCK_BYTES = 1_000_000


class NotMaintained(RuntimeError):
    """The user does not maintain the project."""


# After these errors it is certain that the package does not list the file.
_REFUSALS = (
    NotMaintained,
    ProjectClosed,
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
    attestations: list[dict[str, Any]] | None = None


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
    problem: str | None = None  # why the project's description is shown as plain text, if it is


def publish(upload: Upload, by: User) -> Published:
    """Publish a file.

    Raises NotMaintained, ProjectClosed, NameRefused, OverQuota, NameTaken, StillArriving, ClaimLost, PackageTooLarge,
    ConcurrentChange, RenderersBusy. After any other error the claim stays, because it is unknown what the database has
    done; `claims` settles it later.
    """
    distribution = upload.distribution
    stored = stored_rendering(distribution.normalized_name, "maintainers", "status")
    if stored is not None:
        _check_permitted(stored, distribution, by)  # an early check, before the bytes are stored; `_list` decides
    else:
        new_names.take(distribution.normalized_name)
    statement = statement_of(
        distribution.metadata, distribution.packagetype, distribution.filename, distribution.entry_points
    )
    render_into(statement.said, stored)  # before anything is claimed or locked, because it may take long
    claim = claims.claim(distribution.filename, upload.digests.sha256, _facts(upload, by))
    if claim is None:
        return Published(is_new=False)
    try:
        check_quota(distribution.normalized_name, by.id)
        upload.file.seek(0)
        contents.put(claim.content_id, distribution.filename, upload.file, claim.heartbeat)
        package = with_rendered(partial(_list, upload, statement, by, claim.heartbeat))
    except _REFUSALS:
        claim.give_back()
        raise
    claim.settle()
    keep_labels(package)
    return Published(is_new=True, problem=package.description_problem)


def _facts(upload: Upload, by: User) -> dict[str, object]:
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
        **({"warnings": list(distribution.warnings)} if distribution.warnings else {}),
        "uploaded_at": utc_now(),
        "uploaded_by": by.id,
        "uploaded_with": upload.tool,
    }


def _list(upload: Upload, statement: Statement, by: User, heartbeat: Callable[[], None]) -> Package:
    """Add the file to its package, and return that; `statement` is what the file's metadata states."""
    distribution = upload.distribution
    for change in changes(distribution.normalized_name, by):
        with change:
            heartbeat()
            package = change.package
            if change.is_new:
                package.name = statement.said.name
                package.maintainers = [Maintainer(user_id=by.id, name=by.shown_name, role="owner")]
            else:
                _check_permitted(package, distribution, by)
            package.created_date = package.created_date or utc_now()
            before = package.latest.version if package.latest else None
            release = package.release_equal_to(distribution.version)
            action = "new project" if change.is_new else "new file" if release else "new release"
            if release is None:
                release = Release(version=distribution.version)
                package.releases = [*package.releases, release]
            _add_file(release, _file(upload, by))
            package.clean()
            known = state(package, release, statement, before)
            show_latest(package, before, statement.said, known)
            change.act = Act(action, release.version, distribution.filename)
    return package


def _check_permitted(package: Package, distribution: Distribution, by: User) -> None:
    if by.id not in [each.user_id for each in package.maintainers]:
        raise NotMaintained(f"{by.shown_name} does not maintain the project {distribution.normalized_name}.")
    check_open(package)


def _file(upload: Upload, by: User) -> ReleaseFile:
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
        uploaded_by=by.shown_name,
        uploaded_with=upload.tool,
    )


def _add_file(release: Release, file: ReleaseFile) -> None:
    """Add a file to a release; it replaces an imported record of the same bytes elsewhere."""
    if any(each.filename == file.filename and each.sha256 != file.sha256 for each in release.files):
        raise claims.NameTaken(f"File already exists with different contents: {file.filename}")
    # A yanked release stays yanked when files are added.
    file.yanked, file.yanked_reason = release.yanked, release.yanked_reason
    release.files = [each for each in release.files if each.filename != file.filename] + [file]
    release.sum_up()


def _metadata_sha256(distribution: Distribution) -> str:
    return hashlib.sha256(distribution.metadata.encode()).hexdigest()
