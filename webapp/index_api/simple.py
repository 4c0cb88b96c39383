"""The Simple API: `/simple/` and `/simple/<name>/`, as HTML and as JSON.

Sources: PEP 503 (pages), 592 (yanked), 629 (version), 691 (JSON), 700 (size, upload-time, versions),
714 (core-metadata), 792 (project status).
"""

import hashlib
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from html import escape  # a third of MarkupSafe's time: a page may have thousands of links
from typing import Any, NamedTuple

import orjson
from cachetools import LRUCache
from flask import Response, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import JournalEntry, Package, Release
from webapp.documents.base import Plain, declared, declared_apart
from webapp.documents.hidden import reader_key
from webapp.documents.journal import UNCHANGED_SERIAL
from webapp.documents.project_status import is_quarantined, marker_of, reason_of
from webapp.index_api.blueprint import bp
from webapp.rules import naming
from webapp.serving.filters import absolute_url, exact_time, file_link, site_url
from webapp.serving.kept_releases import kept_by_bytes
from webapp.serving.per_app import PerApp
from webapp.serving.public_pages import gzipped, made_from, public, public_while, send_gzipped
from webapp.upstream.views import project_from_upstream

API_VERSION = "1.4"
# A list that takes long to make is kept despite uploads: making it takes one part in this many of the time.
SLOW_S, REST_FACTOR = 0.25, 50
# Lists kept for readers who may see different projects.
MOST_LISTS = 8
_PLAIN_NAMES = re.compile(r"[A-Za-z0-9._-]*").fullmatch
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
    """Return the form that the client prefers (PEP 691).

    A client that names JSON and accepts HTML equally gets JSON, which says more. One that accepts neither, or anything
    at all, gets HTML.
    """
    accepted = request.accept_mimetypes
    named = {value.lower(): quality for value, quality in accepted}
    json_quality = max(named.get(form, 0) for form, given in OFFERED.items() if given == V1_JSON)
    if json_quality and json_quality >= max(accepted.quality(form) for form in OFFERED if OFFERED[form] != V1_JSON):
        return V1_JSON
    return OFFERED[str(accepted.best_match(list(OFFERED), default=HTML))]


@bp.get("/simple/")
@public
def simple_index() -> Response:
    """List all projects by normalized name. The list can be long, so it is cached compressed and sent in parts."""
    form = content_type()
    head = "" if form == V1_JSON else render_template("index_api/simple_head.html", title="Simple index")
    # Read before the names: changes in between have a higher serial, so that whoever compares will look at them again.
    last_serial = JournalEntry.objects.last_serial() or UNCHANGED_SERIAL
    index = kept_indexes().get(V1_JSON if form == V1_JSON else HTML, last_serial, head)
    response = Response()
    send_gzipped(response, index.compressed)
    response.headers["X-PyPI-Last-Serial"] = str(index.serial)
    return negotiated(response, form)


def _stamp(name: str) -> str:
    """Return what changes with every upload, yank and deletion of a project, in any process."""
    package = Package.objects.raw_parts(naming.normalize_name(name), ("last_serial", "updated_date"))
    return hashlib.sha256(package or b"").hexdigest()


@bp.get("/simple/<name>/")
@public_while(_stamp)
def simple_project(name: str) -> AnyResponse:
    """List the files of one project, oldest version first."""
    normalized_name = naming.normalize_name(name)
    if name != normalized_name:
        return redirect(url_for("index_api.simple_project", name=normalized_name), 301)
    form = content_type()
    raw = Package.objects.raw_installable(normalized_name)
    if raw is None:
        project = project_from_upstream(normalized_name)
        written = [write_files(project["files"], form)]
        return negotiated(project_page(normalized_name, project, project["versions"], written, {}, form), form)
    # Writing 5,000 files takes a tenth of a second.
    return negotiated(made_from(raw, lambda: _own_project(normalized_name, raw, form), form), form)


def _own_project(normalized_name: str, raw: bytes, form: str) -> Response:
    package, releases = declared_apart(Package, raw, "releases")
    site = site_url() + request.script_root
    written = [_written(release, normalized_name, form, site) for release in reversed(releases)]
    versions = [each.version for each in written if each.version is not None]
    files = [] if is_quarantined(package) else [each.files for each in written if each.files]
    serial = package.get("last_serial") or UNCHANGED_SERIAL
    response = project_page(normalized_name, package, versions, files, {"_last-serial": serial}, form)
    response.headers["X-PyPI-Last-Serial"] = str(serial)
    return response


class WrittenRelease(NamedTuple):
    """A release as a project's page lists it."""

    version: str | None
    files: bytes


@kept_by_bytes
def _written(raw: bytes, normalized_name: str, form: str, _site: str) -> WrittenRelease:
    """Write a release in BSON. Its links depend on the site's address."""
    release = declared(Release, raw)
    return WrittenRelease(release.get("version"), write_files(_listed(release, normalized_name), form))


def project_page(
    normalized_name: str,
    project: Plain,
    versions: list[str],
    files: list[bytes],
    meta: dict[str, Any],
    form: str,
) -> Response:
    """Return the page of a project in this form, with these files, as `write_files` returns them."""
    status, reason = marker_of(project), reason_of(project)
    if form != V1_JSON:
        title = f"Links for {normalized_name}"
        head = render_template("index_api/simple_head.html", title=title, status=status, reason=reason)
        return make_response(b"".join([f"{head}\n<h1>{title}</h1>".encode(), *files, b"\n</body>\n</html>\n"]))
    document = {
        "meta": {"api-version": API_VERSION, **meta},
        "name": normalized_name,
        "project-status": {"status": status} | ({"reason": reason} if reason else {}),
        # A set (PEP 700), but a migrated site may have several releases of one version.
        "versions": list(dict.fromkeys(versions)),
        "files": orjson.Fragment(b"[%b]" % b",".join(files)),
    }
    return make_response(orjson.dumps(document))


def write_files(files: Iterable[dict[str, Any]], form: str) -> bytes:
    """Return files as a page in this form lists them: links, or JSON with commas in between; empty without any."""
    if form == V1_JSON:
        return orjson.dumps([_file_as_json(file) for file in files])[1:-1]
    # A template takes four times as long for the links, of which a page may have thousands.
    return "".join(map(_link, files)).encode()


def listed_files(package: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the files of a package, oldest version first, as `write_files` takes them."""
    for release in reversed(package.get("releases", [])):
        yield from _listed(release, package.get("normalized_name", ""))


def _listed(release: dict[str, Any], normalized_name: str) -> Iterator[dict[str, Any]]:
    for file in release.get("files", []):
        if "filename" in file and (link := file_link(file.get("url"))):
            file["url"] = link
            if release.get("yanked") and not file.get("yanked"):
                file |= {"yanked": True, "yanked_reason": release.get("yanked_reason", "")}
            file.setdefault("requires_python", release.get("requires_python"))
            if file.get("is_attested"):
                place = {"version": release.get("version", ""), "filename": file["filename"]}
                file["provenance_url"] = absolute_url("files.provenance", name=normalized_name, **place)
            yield file


def _link(file: Mapping[str, Any]) -> str:
    """Return the link to a file on a page in HTML (PEP 503, 592, 658, 714 and 740)."""
    digest = f"#sha256={escape(file['sha256'])}" if file.get("sha256") else ""
    if not digest and file.get("md5"):
        digest = f"#md5={escape(file['md5'])}"
    parts = [f'\n<a href="{escape(file["url"])}{digest}"']
    if file.get("requires_python"):
        parts.append(f' data-requires-python="{escape(file["requires_python"])}"')
    if metadata := metadata_digest(file):
        # Under its former name too, for installers from before PEP 714.
        parts += [f' data-{name}="sha256={escape(metadata)}"' for name in ("core-metadata", "dist-info-metadata")]
    if file.get("provenance_url"):
        parts.append(f' data-provenance="{escape(file["provenance_url"])}"')
    if file.get("yanked"):
        parts.append(f' data-yanked="{escape(file.get("yanked_reason") or "")}"')
    return f"{''.join(parts)}>{escape(file['filename'])}</a><br>"


def _file_as_json(file: dict[str, Any]) -> dict[str, Any]:
    # Only SHA-256, as at PyPI: uv copies every hash into lock files.
    hashes = {"sha256": file["sha256"]} if "sha256" in file else {}
    described: dict[str, Any] = {"filename": file["filename"], "url": file["url"], "hashes": hashes}
    if file.get("requires_python"):
        described["requires-python"] = file["requires_python"]
    if "size" in file:
        described["size"] = file["size"]
    if "uploaded_at" in file:
        described["upload-time"] = exact_time(file["uploaded_at"])
    # A reason says as much as `true`, and more.
    described["yanked"] = file.get("yanked_reason") or True if file.get("yanked") else False
    if file.get("provenance_url"):
        described["provenance"] = file["provenance_url"]
    # Under its former name too, for installers from before PEP 714.
    described["core-metadata"] = described["dist-info-metadata"] = core_metadata(file)
    return described


def metadata_digest(file: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of the core metadata that installers may rely on, or None. Only wheels have one.

    An sdist's PKG-INFO need not list its requirements: setuptools left them out for years, and `Dynamic` means that
    building reveals more. Installers trust what is offered, and would miss what is not in it.
    """
    return file.get("metadata_sha256") if file["filename"].endswith(".whl") else None


def core_metadata(file: Mapping[str, Any]) -> dict[str, str] | bool:
    """Return the value for a file's core metadata in JSON (PEP 714)."""
    digest = metadata_digest(file)
    return {"sha256": digest} if digest else False


class KeptIndex(NamedTuple):
    """The list of all projects in one form, gzipped, as of a serial of the journal."""

    compressed: bytes
    serial: int
    made_at: float  # time.monotonic()
    took_s: float


class KeptIndexes:
    """A web process's cache of the list of all projects, compressed: 5 MB for 500,000 projects instead of 30 MB."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        # By form, and by which projects a reader may see, if not all.
        self._kept = LRUCache[str, KeptIndex](MOST_LISTS)
        self._lock = threading.Lock()

    def get(self, form: str, last_serial: int, head: str) -> KeptIndex:
        """Return the list as HTML or JSON, as of this serial; a list that takes long to make may be older.

        Requests that arrive while it is made wait for it.
        """
        key = f"{form} {reader_key()}"
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or not self._is_good(kept, last_serial):
                started = time.monotonic()
                names = Package.objects.names()
                parts = _as_json(names, last_serial) if form == V1_JSON else _as_html(head, names)
                compressed, now = gzipped(part.encode() for part in parts), time.monotonic()
                kept = self._kept[key] = KeptIndex(compressed, last_serial, now, now - started)
            return kept

    def _is_good(self, kept: KeptIndex, last_serial: int) -> bool:
        # Making it may take one part in this many of the time, however many uploads there are.
        rest_s = REST_FACTOR * kept.took_s if kept.took_s > SLOW_S else 0
        age_s = time.monotonic() - kept.made_at
        return bool(self._seconds) and age_s < max(rest_s, self._seconds if kept.serial == last_serial else 0)


kept_indexes = PerApp[KeptIndexes]("kept_indexes")


@bp.record_once
def _keep_indexes(setup: BlueprintSetupState) -> None:
    kept_indexes.set(setup.app, KeptIndexes(setup.app.config["STATS_MAX_AGE_S"]))


def _as_html(head: str, batches: Iterator[list[Plain]]) -> Iterator[str]:
    yield head
    for batch in batches:
        # Nearly every name needs no escaping, and checking all at once takes a tenth of the time of escaping.
        if not _PLAIN_NAMES("".join([each["_id"] + each["name"] for each in batch])):
            batch = [{"_id": escape(each["_id"]), "name": escape(each["name"])} for each in batch]
        yield "".join([f'<a href="{each["_id"]}/">{each["name"]}</a><br>\n' for each in batch])
    yield "</body>\n</html>\n"


def _as_json(batches: Iterator[list[Plain]], last_serial: int) -> Iterator[str]:
    yield f'{{"meta": {{"api-version": "{API_VERSION}", "_last-serial": {last_serial}}}, "projects": ['
    separator = ""
    for batch in batches:
        listed = [{"name": each["name"], "_last-serial": each.get("last_serial") or UNCHANGED_SERIAL} for each in batch]
        yield separator + orjson.dumps(listed).decode()[1:-1]
        separator = ","
    yield "]}"


def negotiated(response: Response, form: str) -> Response:
    """Say in which form an answer is, and that it may change at any time."""
    # pip caches a page for its max-age, and would miss a release that was uploaded a moment ago. Revalidating costs
    # little.
    response.cache_control.no_cache = True
    response.content_type = f"{form}; charset=utf-8" if form == HTML else form
    response.vary.add("Accept")
    return response
