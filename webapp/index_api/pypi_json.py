"""PyPI's JSON API: `/pypi/<name>/json` and `/pypi/<name>/<version>/json`, field by field as Warehouse answers."""

from typing import NamedTuple, cast

import orjson
from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import Package, Release
from webapp.documents.base import Plain, declared, declared_apart
from webapp.documents.journal import UNCHANGED_SERIAL
from webapp.documents.package_page import ReadReleases, chosen_of, raw_releases
from webapp.documents.plain_fields import PackageFields, ReleaseFields
from webapp.documents.project_status import is_quarantined
from webapp.index_api import vulnerabilities
from webapp.index_api.blueprint import bp
from webapp.index_api.simple import core_metadata
from webapp.rules import naming
from webapp.rules.people import joined_names
from webapp.serving.filters import absolute_file_link, exact_time, isoformat, project_link, site_url
from webapp.serving.kept_releases import kept_by_bytes
from webapp.serving.public_pages import made_from, public

MAX_AGE_S = 900
NO_FILES = orjson.Fragment(b"[]")


@bp.get("/pypi/<name>/json", defaults={"version": None}, strict_slashes=False)
@bp.get("/pypi/<name>/<version>/json", strict_slashes=False)
@public
def project_json(name: str, version: str | None) -> AnyResponse:
    """Return a project with its latest release, or with the release asked for; only the former has `releases`."""
    normalized_name = naming.normalize_name(name)
    if version is None:
        whole = Package.objects(pk=normalized_name).exclude("description_html", "requires")
        raw = whole.raw_first() or abort(404)
        known = vulnerabilities.of_latest_release(normalized_name, raw)
        source = raw + vulnerabilities.digestible(known)
        response = made_from(source, lambda: _project(name, raw, known), "json")
    else:
        raw = raw_releases(normalized_name, [version]) or abort(404)
        known = vulnerabilities.of_release(normalized_name, version)
        source = raw + vulnerabilities.digestible(known)
        response = made_from(source, lambda: _release(name, version, ReadReleases.from_bson(raw), known), "json")
    if response.status_code != 301:
        response.cache_control.max_age = MAX_AGE_S
    return response


def _project(name: str, raw: bytes, known: list[Plain]) -> AnyResponse:
    plain, releases = declared_apart(Package, raw, "releases")
    package = cast("PackageFields", plain)
    if name != package["normalized_name"]:
        return redirect(url_for("index_api.project_json", name=package["normalized_name"]), 301)
    site = site_url() + request.script_root
    written = [_written(release, site) for release in releases]
    if is_quarantined(package):
        written = [each._replace(files=NO_FILES) for each in written]
    latest = package.get("latest", {}).get("version")
    chosen = chosen_of([each.release for each in written], latest) if latest else None
    files = next((each.files for each in written if each.release is chosen), NO_FILES)
    document = _document(package, chosen or {}, files, known)
    document["releases"] = {
        each.release["version"]: each.files for each in reversed(written) if "version" in each.release
    }
    return _answer(document)


class WrittenRelease(NamedTuple):
    """A release, and its files as they are written in the answer."""

    release: ReleaseFields  # without its files
    files: orjson.Fragment


@kept_by_bytes
def _written(raw: bytes, _site: str) -> WrittenRelease:
    """Write a release in BSON. Its links depend on the site's address."""
    release = cast("ReleaseFields", declared(Release, raw))
    files = _files(release)
    return WrittenRelease(release | {"files": []}, files)


def _release(name: str, version: str, read: ReadReleases, known: list[Plain]) -> AnyResponse:
    normalized_name = read.package["normalized_name"]
    release = read.release(version) or abort(404)
    if (name, version) != (normalized_name, release["version"]):
        return redirect(url_for("index_api.project_json", name=normalized_name, version=release["version"]), 301)
    files = NO_FILES if is_quarantined(read.package) else _files(release)
    return _answer(_document(read.stated_by(release, as_text=True), release, files, known))


def _answer(document: Plain) -> Response:
    response = Response(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), mimetype="application/json")
    response.headers["X-PyPI-Last-Serial"] = str(document["last_serial"])
    return response


def _document(package: PackageFields, release: ReleaseFields, files: orjson.Fragment, known: list[Plain]) -> Plain:
    return {
        "info": _info(package, release),
        "last_serial": package.get("last_serial") or UNCHANGED_SERIAL,
        "ownership": {
            "organization": None,
            "roles": [
                {"role": "Owner" if person.get("role") == "owner" else "Maintainer", "user": person.get("name", "")}
                for person in package.get("maintainers", [])
            ],
        },
        "urls": files,
        "vulnerabilities": known,
    }


def _info(package: PackageFields, release: ReleaseFields) -> Plain:
    name = package.get("name", package["normalized_name"])
    version = release.get("version", "")
    project_url = site_url() + project_link(package["normalized_name"])
    release_url = site_url() + project_link(package["normalized_name"], version or None)
    return {
        "author": joined_names(package.get("author_name"), package.get("author_email")),
        "author_email": package.get("author_email", ""),
        "bugtrack_url": package.get("bugtrack_url"),
        "classifiers": package.get("classifiers", []),
        "description": package.get("description", ""),
        "description_content_type": package.get("description_content_type"),
        "docs_url": package.get("docs_url"),
        "download_url": package.get("download_url", ""),
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": package.get("dynamic") or None,
        "home_page": package.get("home_page", ""),
        "keywords": ",".join(package.get("keywords", [])),
        "license": package.get("license", ""),
        "license_expression": package.get("license_expression"),
        "license_files": package.get("license_files") or None,
        "maintainer": joined_names(package.get("maintainer_name"), package.get("maintainer_email")),
        "maintainer_email": package.get("maintainer_email", ""),
        "name": name,
        "package_url": project_url,
        "platform": package.get("platform", ""),
        "project_url": project_url,
        "project_urls": package.get("project_urls") or None,
        "provides_extra": package.get("provides_extra") or None,
        "release_url": release_url,
        "requires_dist": package.get("requires_dist") or None,
        "requires_python": release.get("requires_python") or package.get("requires_python"),
        "summary": package.get("summary", ""),
        "version": version,
        "yanked": release.get("yanked", False),
        "yanked_reason": release.get("yanked_reason"),
    }


def _files(release: ReleaseFields) -> orjson.Fragment:
    files = [
        {
            "comment_text": file.get("comment", ""),
            "core-metadata": core_metadata(file),
            "digests": {
                "blake2b_256": file.get("blake2b_256"),
                "md5": file.get("md5"),
                "sha256": file.get("sha256"),
            },
            "downloads": -1,
            "filename": file["filename"],
            "has_sig": False,
            "md5_digest": file.get("md5"),
            "packagetype": file.get("packagetype"),
            "python_version": file.get("python_version"),
            "requires_python": file.get("requires_python"),
            "size": file.get("size"),
            "upload_time": isoformat(file.get("uploaded_at")).rstrip("Z") or None,
            "upload_time_iso_8601": exact_time(file.get("uploaded_at")) or None,
            "url": absolute_file_link(file.get("url")) or file.get("url"),
            "yanked": file.get("yanked", False) or release.get("yanked", False),
            "yanked_reason": file.get("yanked_reason") or release.get("yanked_reason"),
        }
        for file in release.get("files", [])
        if "filename" in file
    ]
    written = orjson.dumps(files, option=orjson.OPT_SORT_KEYS)
    # A copy, because orjson's own result occupies 8 kB however short it is, and thousands of these are kept.
    return orjson.Fragment(bytes(memoryview(written)))
