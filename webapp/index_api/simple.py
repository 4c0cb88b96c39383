"""The Simple API: `/simple/` and `/simple/<name>/`, as HTML and as JSON.

Sources: PEP 503 (pages), 592 (yanked), 629 (version), 691 (JSON), 700 (size, upload-time, versions),
714 (core-metadata).
"""

import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from markupsafe import escape
from werkzeug.wrappers import Response as AnyResponse

from webapp import naming
from webapp.documents import JournalEntry, Package
from webapp.documents.package import PackageName
from webapp.filters import exact_time, file_link
from webapp.index_api.blueprint import bp
from webapp.public_pages import public, render_public
from webapp.upstream.views import project_from_upstream

API_VERSION = "1.1"
HTML = "text/html"
V1_HTML = "application/vnd.pypi.simple.v1+html"
V1_JSON = "application/vnd.pypi.simple.v1+json"
# A client may ask for the latest version, and is told which one it got.
OFFERED = {
    HTML: HTML,
    V1_HTML: V1_HTML,
    V1_JSON: V1_JSON,
    "application/vnd.pypi.simple.latest+html": V1_HTML,
    "application/vnd.pypi.simple.latest+json": V1_JSON,
}


def content_type() -> str:
    """Return the form that the client prefers; one that accepts none of them gets HTML (PEP 691)."""
    best = request.accept_mimetypes.best_match(list(OFFERED), default=HTML)
    return OFFERED[str(best)]


@bp.get("/simple/")
@public
def simple_index() -> Response:
    """Every project, by normalized name; sent while it is read, so it may be of any length."""
    form = content_type()
    # Read before the names: what comes in between has a higher serial, and is looked at again by whoever compares.
    last_serial = JournalEntry.objects.last_serial()
    names = Package.objects.names()
    # The first one is read before the answer begins: if the database is away, the answer can still be 503.
    names = chain(list(islice(names, 1)), names)
    if form == V1_JSON:
        parts = _index_as_json(names, last_serial)
    else:
        parts = _index_as_html(render_template("index_api/simple_head.html", title="Simple index"), names)
    response = Response(parts)
    response.headers["X-PyPI-Last-Serial"] = str(last_serial)
    return _negotiated(response, form)


@bp.get("/simple/<name>/")
@public
def simple_project(name: str) -> AnyResponse:
    """The files of one project, the oldest version first."""
    normalized_name = naming.normalize_name(name)
    if name != normalized_name:
        return redirect(url_for("index_api.simple_project", name=normalized_name), 301)
    package = Package.objects(pk=normalized_name).installable().plain_first()
    if package is None:
        project = project_from_upstream(normalized_name)
        return _project_page(normalized_name, project["versions"], project["files"], {})
    versions = [release["version"] for release in reversed(package.get("releases", [])) if "version" in release]
    serial = package.get("last_serial", 0)
    response = _project_page(normalized_name, versions, list(_files(package)), {"_last-serial": serial})
    response.headers["X-PyPI-Last-Serial"] = str(serial)
    return response


def _project_page(
    normalized_name: str, versions: list[str], files: list[dict[str, Any]], meta: dict[str, Any]
) -> Response:
    form = content_type()
    if form != V1_JSON:
        return _negotiated(render_public("index_api/simple.html", name=normalized_name, files=files), form)
    document = {
        "meta": {"api-version": API_VERSION, **meta},
        "name": normalized_name,
        # A set (PEP 700), but the old site kept releases under one version.
        "versions": list(dict.fromkeys(versions)),
        "files": [_file_as_json(file) for file in files],
    }
    return _negotiated(make_response(json.dumps(document)), form)


def _files(package: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for release in reversed(package.get("releases", [])):
        for file in release.get("files", []):
            if "filename" in file and (link := file_link(file.get("url"))):
                file["url"] = link
                if release.get("yanked") and not file.get("yanked"):
                    file |= {"yanked": True, "yanked_reason": release.get("yanked_reason", "")}
                file.setdefault("requires_python", release.get("requires_python"))
                yield file


def _file_as_json(file: dict[str, Any]) -> dict[str, Any]:
    hashes = {name: file[key] for name, key in HASHES if key in file}
    described: dict[str, Any] = {"filename": file["filename"], "url": file["url"], "hashes": hashes}
    if file.get("requires_python"):
        described["requires-python"] = file["requires_python"]
    if "size" in file:
        described["size"] = file["size"]
    if "uploaded_at" in file:
        described["upload-time"] = exact_time(file["uploaded_at"])
    # A reason tells as much as `true`, and more.
    described["yanked"] = file.get("yanked_reason") or True if file.get("yanked") else False
    metadata_sha256 = file.get("metadata_sha256")
    described["core-metadata"] = {"sha256": metadata_sha256} if metadata_sha256 else False
    return described


HASHES = (("sha256", "sha256"), ("md5", "md5"), ("blake2b", "blake2b_256"))


def _index_as_html(head: str, names: Iterator[PackageName]) -> Iterator[str]:
    yield head
    for package in names:
        yield f'<a href="{escape(package.normalized_name)}/">{escape(package.name)}</a><br>\n'
    yield "</body>\n</html>\n"


def _index_as_json(names: Iterator[PackageName], last_serial: int) -> Iterator[str]:
    yield f'{{"meta": {{"api-version": "{API_VERSION}", "_last-serial": {last_serial}}}, "projects": ['
    separator = ""
    for package in names:
        yield separator + json.dumps({"name": package.name, "_last-serial": package.last_serial})
        separator = ", "
    yield "]}"


def _negotiated(response: Response, form: str) -> Response:
    response.content_type = f"{form}; charset=utf-8" if form == HTML else form
    response.vary.add("Accept")
    return response
