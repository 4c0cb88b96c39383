"""`/stage/<token>/`: what is about to be published, as a simple index on top of the real one.

Nobody can guess the token. Whoever has it may read the stage, without any right to upload; on a site for members, they
have to be a member as well.
"""

from typing import Any

from flask import Response, abort, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.documents import Package, PublishingSession, StoredFile
from webapp.documents.base import declared
from webapp.documents.project_status import is_quarantined
from webapp.documents.publishing_session import COMPLETED, PUBLISHED
from webapp.documents.release import own_url
from webapp.documents.stored_file import STAGED
from webapp.index_api.blueprint import bp
from webapp.index_api.simple import content_type, listed_files, negotiated, project_page, write_files
from webapp.rules import naming
from webapp.serving.filters import site_url
from webapp.serving.sending import send


@bp.get("/stage/<token>/")
def stage_index(token: str) -> Response:
    """List the project of a session; an installer asks the real index for all others."""
    session = _session(token)
    form, package = content_type(), session.package
    if form.endswith("json"):
        page = Response(f'{{"meta": {{"api-version": "1.4"}}, "projects": [{{"name": "{package}"}}]}}')
    else:
        page = Response(f'<!DOCTYPE html>\n<title>Stage</title>\n<a href="{package}/">{package}</a>\n')
    return _private(negotiated(page, form))


@bp.get("/stage/<token>/<name>/")
def stage_project(token: str, name: str) -> AnyResponse:
    """List the files of a session with those that its project has; other projects are only in the real index."""
    session, normalized_name = _session(token), naming.normalize_name(name)
    if normalized_name != session.package or session.state == PUBLISHED:
        return redirect(url_for("index_api.simple_project", name=normalized_name))
    if name != normalized_name:
        return redirect(url_for("index_api.stage_project", token=token, name=normalized_name))
    raw = Package.objects.raw_installable(normalized_name)
    package = declared(Package, raw) if raw else {}
    versions = [release["version"] for release in reversed(package.get("releases", [])) if "version" in release]
    files: list[dict[str, Any]] = []
    if not is_quarantined(package):
        files = list(listed_files(package))
        published = {each["filename"] for each in files}
        files += [each for each in _staged(session) if each["filename"] not in published]
    form = content_type()
    written = [write_files(files, form)]
    page = project_page(normalized_name, package, [*versions, session.version], written, {}, form)
    return _private(negotiated(page, form))


def _staged(session: PublishingSession) -> list[dict[str, Any]]:
    # A relative address would be a third one: links of the real index start at the root as well.
    start = f"{site_url()}/stage/{session.stage_token}/files"
    listed = [each.file.to_mongo().to_dict() for each in session.files if each.state == COMPLETED and each.file]
    # Others come from a manual edit.
    listed = [each for each in listed if {"filename", "sha256"} <= each.keys()]
    # Provenance is offered once the file is published.
    return [each | {"url": f"{start}/{each['sha256']}/{each['filename']}"} for each in listed]


@bp.get("/stage/<token>/files/<sha256>/<filename>")
def staged_file(token: str, sha256: str, filename: str) -> AnyResponse:
    """Send a file of a session, or with `.metadata` after a wheel's name, its core metadata."""
    session = _session(token)
    if session.state == PUBLISHED:
        return redirect(own_url(sha256, filename))
    file = StoredFile.objects.named(filename.removesuffix(".metadata")).plain_first() or {}
    if (file.get("session"), file.get("state"), file.get("sha256")) != (session.pk, STAGED, sha256):
        abort(404)
    if Package.objects.is_quarantined(session.package):
        abort(403, f"The project {session.package} is quarantined, so its files are not available.")
    if filename.endswith(".metadata"):
        if not filename.endswith(".whl.metadata"):
            abort(404)
        return _private(Response(file["metadata"], mimetype="text/plain"))
    return _private(send(file["content_id"], file["size"], sha256, file.get("uploaded_at")))


def _session(token: str) -> PublishingSession:
    session: PublishingSession | None = PublishingSession.objects.with_stage_token(token).declared_first()
    if session is None or session.missing or not (session.is_live or session.state == PUBLISHED):
        abort(404, "There is nothing at this address. Its publishing session may have expired or been cancelled.")
    return session


def _private(response: Response) -> Response:
    """Let nobody keep what may change or vanish."""
    response.headers["Cache-Control"] = "no-store"
    return response
