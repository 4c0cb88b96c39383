"""`/upload/`: publishing sessions for programs, as the draft of PEP 694 describes them (round 4, July 2026).

Each request is authorized anew: whoever may upload to the project may do everything with its sessions.
"""

import json
from datetime import datetime
from typing import Any, cast

from flask import Blueprint, Response, abort, request, url_for
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version
from werkzeug.exceptions import Conflict, HTTPException

from webapp.changes.new_names import NameReserved
from webapp.changes.staged_publishing import SessionChanged, publish_session
from webapp.changes.staging import SessionExists, cancel, extend, open_session
from webapp.documents import PublishingSession
from webapp.documents.api_token import UPLOAD
from webapp.documents.publishing_session import LIFETIME, PUBLISHING
from webapp.members import api_tokens, audit
from webapp.publishing.receiving import check_scope, member, permitted, refusals
from webapp.rules import naming
from webapp.serving.errors import http_error
from webapp.serving.extensions import csrf
from webapp.serving.filters import site_url
from webapp.serving.slow_clients import whole_body

api = Blueprint("sessions", __name__, url_prefix="/upload")

MEDIA_TYPE = "application/vnd.pypi.upload.v2+json"
API_VERSION = "2.0"
META = {"api-version": API_VERSION}
# Of a request that is not a file.
MAX_JSON_BYTES, RECEIVE_S = 100_000, 30
MAX_NAME, MAX_VERSION = 200, 200
MECHANISM = "http-post-bytes"
# What PEP 694 calls the states of a session.
STATUSES = {PUBLISHING: "processing"}


@api.post("/")
def open_one() -> Response:
    """Open a session for a version of a project."""
    api_tokens.authenticate(UPLOAD)
    sent = read_json()
    permit = api_tokens.authenticate(UPLOAD)  # again: rights may have been taken away while the body arrived
    name, normalized_name, version = _release_in(sent)
    check_scope(permit, normalized_name)
    with refusals():
        try:
            session = open_session(name, normalized_name, version, member(permit))
        except SessionExists as standing:
            conflict = problem(Conflict(str(standing)))
            conflict.headers["Location"] = address("session", standing.session)
            return conflict
        except NameReserved as error:
            abort(409, str(error))
    record(permit, session, "Opened")
    response = described(session, 201)
    response.headers["Location"] = address("session", session)
    return response


@api.get("/<session_id>/")
def session(session_id: str) -> Response:
    """Describe a session."""
    _, found = permitted(session_id)
    return described(found)


@api.delete("/<session_id>/")
def cancel_one(session_id: str) -> Response:
    """Cancel a session."""
    permit, found = permitted(session_id)
    with refusals():
        cancel(found, member(permit))
    record(permit, found, "Cancelled")
    return Response(status=204)


@api.post("/<session_id>/publish")
def publish(session_id: str) -> Response:
    """Publish all files of a session at once; with If-Match, only if they are the ones that were seen."""
    permit, found = permitted(session_id)
    seen = None
    if "If-Match" in request.headers:
        # A proxy that compresses answers makes their tags weak.
        seen = found.fingerprint if request.if_match.contains_weak(found.fingerprint) else ""
    with refusals():
        try:
            published = publish_session(found, member(permit), seen)
        except SessionChanged as error:
            abort(412, str(error))
    record(permit, published, "Published")
    response = described(published, 201)
    response.headers["Location"] = address("session", published)
    return response


@api.post("/<session_id>/extend")
def extend_one(session_id: str) -> Response:
    """Extend a session by some seconds from now, up to 30 days."""
    _, found = permitted(session_id)
    seconds = read_json().get("extend-for", int(LIFETIME.total_seconds()))
    permit = api_tokens.authenticate(UPLOAD)  # as above
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        abort(400, "“extend-for” has to be a number of seconds.")
    with refusals():
        return described(extend(found, seconds, member(permit)))


@api.errorhandler(HTTPException)
def problem(error: HTTPException) -> Response:
    """Answer with the details of a problem (RFC 9457)."""
    plain = http_error(error)
    text = error.description or error.name
    details = {
        "meta": META,
        "type": "about:blank",
        "title": error.name,
        "status": plain.status_code,
        "details": text,
        "errors": [{"source": request.path, "message": text}],
    }
    plain.set_data(json.dumps(details))
    plain.content_type = "application/problem+json"
    return plain


def read_json() -> dict[str, Any]:
    """Return the object in the body of this request."""
    if request.mimetype not in (MEDIA_TYPE, "application/json"):
        abort(415, f"Send the content type {MEDIA_TYPE}.")
    try:
        sent = json.loads(whole_body(MAX_JSON_BYTES, RECEIVE_S))
    except (ValueError, RecursionError):
        abort(400, "The body is not valid JSON.")
    version = sent.get("meta", {}) if isinstance(sent, dict) else None
    if not isinstance(version, dict) or str(version.get("api-version", "")).partition(".")[0] != "2":
        abort(400, "The body has to be an object with “meta”: {“api-version”: “2.0”}.")
    return cast("dict[str, Any]", sent)


def text_of(sent: dict[str, Any], key: str, most: int) -> str:
    """Return a text in a request."""
    value = sent.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        abort(400, f"“{key}” has to be a text of 1 to {most} characters.")
    return value


def _release_in(sent: dict[str, Any]) -> tuple[str, NormalizedName, str]:
    name, version = text_of(sent, "name", MAX_NAME), text_of(sent, "version", MAX_VERSION)
    try:
        return name, naming.normalize_name(name), str(Version(version))
    except naming.InvalidName as error:
        abort(400, str(error) or "This is not a valid project name.")
    except InvalidVersion:
        abort(400, "This is not a valid version.")


def address(endpoint: str, session: PublishingSession, **values: Any) -> str:
    """Return the address of something of a session."""
    return site_url() + url_for(f"publishing.sessions.{endpoint}", session_id=session.pk, **values)


def described(session: PublishingSession, code: int = 200) -> Response:
    """Return a session as PEP 694 describes it."""
    links = {
        "session": address("session", session),
        "upload": address("announce_file", session),
        "publish": address("publish", session),
        "extend": address("extend_one", session),
        "stage": site_url() + url_for("index_api.stage_index", token=session.stage_token),
        # An address for the upload form of today's tools, which PEP 694 does not know.
        "legacy": site_url() + url_for("publishing.upload_to_session", session_id=session.pk),
    }
    document = {
        "meta": META,
        "links": links,
        "mechanisms": [MECHANISM],
        "session-token": session.stage_token,
        "expires-at": whole_seconds(session.expires_at),
        "status": STATUSES.get(session.state, session.state),
        "name": session.package,
        "version": session.version,
        "files": {
            each.filename: {
                "status": each.state,
                "link": address("file_upload", session, filename=each.filename),
                "notices": [each.problem] if each.problem else [],
            }
            for each in session.files
        },
        "notices": [],
    }
    response = answer(document, code)
    response.set_etag(session.fingerprint)
    return response


def answer(document: dict[str, Any], code: int) -> Response:
    """Return a document of this API."""
    response = Response(json.dumps(document), code, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def whole_seconds(when: datetime) -> str:
    """Return a time as RFC 3339 writes it, in whole seconds."""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def record(permit: api_tokens.Permit, session: PublishingSession, done: str) -> None:
    """Record in the audit log what was done with a session."""
    what = f"{done} the publishing session of {session.package} {session.version}."
    audit.record(audit.PROJECT, what, by=permit.user, target=f"package {session.package}")


for view in (open_one, cancel_one, publish, extend_one):
    csrf.exempt(view)
