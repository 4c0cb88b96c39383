"""Find the bytes of a file that people want to look into."""

from typing import NamedTuple, cast

import bson
from flask import abort
from packaging.utils import NormalizedName

from webapp.documents import Package, StoredFile, UpstreamFile
from webapp.documents.base import Plain, as_declared
from webapp.documents.hidden import shown
from webapp.documents.plain_fields import PackageFields
from webapp.documents.project_status import is_quarantined
from webapp.rules.distributions import version_in
from webapp.serving.served_files import served_file
from webapp.upstream.views import other_index, refusals


class Found(NamedTuple):
    """A file: where its bytes are, if they are kept here, and where it can be downloaded."""

    filename: str
    version: str
    size: int | None
    sha256: str
    content_id: bson.ObjectId | None
    url: str
    name: str  # of the project, as its authors write it
    has_project: bool  # whether the project has a page here


def find(normalized_name: NormalizedName, filename: str) -> Found:
    """Return the file of a project. Answers 404 if it has none of this name, and 403 if it may not be offered."""
    # The server sends only the release with this file.
    wanted: Plain = {"name": 1, "status": 1, "releases": {"$elemMatch": {"files.filename": filename}}}
    son = Package.objects.raw().find_one({"$and": [{"_id": normalized_name}, shown()]}, wanted)
    if son is None:
        return _of_other_index(normalized_name, filename)
    package = cast("PackageFields", as_declared(Package, son))
    if is_quarantined(package):
        abort(403, f"The project {normalized_name} is quarantined, so its files are not available.")
    name = package.get("name", normalized_name)
    listed = ((release, file) for release in package.get("releases", []) for file in release.get("files", []))
    found = next((each for each in listed if each[1].get("filename") == filename), None)
    if found is None:
        abort(404, f"{name} has no file {filename[:200]}.")
    release, file = found
    sha256 = file.get("sha256", "")
    kept = _kept(filename, sha256)
    return Found(
        filename=filename,
        version=release.get("version", ""),
        size=kept.get("size", file.get("size")),
        sha256=sha256,
        content_id=kept.get("content_id"),
        url=file.get("url", ""),
        name=name,
        has_project=True,
    )


def _kept(filename: str, sha256: str) -> Plain:
    """Return where the bytes of a listed file are, and their size: it was uploaded, or fetched from another index."""
    if StoredFile.objects.named(filename).count_up_to(1):
        return served_file(filename, sha256)
    return _kept_of_other_index(sha256)


def _kept_of_other_index(sha256: str) -> Plain:
    return UpstreamFile.objects(pk=sha256).only("content_id", "size").plain_first() or {}


def _of_other_index(normalized_name: NormalizedName, filename: str) -> Found:
    upstream = other_index()
    if upstream is None or upstream.refusal(normalized_name):
        abort(404, f"There is no project called “{normalized_name}” on this site.")
    file = upstream.file(normalized_name, filename)
    if file is None:
        abort(404, f"{upstream.host} has no file {filename[:200]} of {normalized_name}.")
    if reason := refusals().of(normalized_name)(filename):
        abort(403, reason)
    kept = _kept_of_other_index(file["sha256"])
    return Found(
        filename=filename,
        version=version_in(filename, normalized_name),
        size=kept.get("size", file.get("size")),
        sha256=file["sha256"],
        content_id=kept.get("content_id"),
        url=file["url"],
        name=normalized_name,
        has_project=False,
    )
