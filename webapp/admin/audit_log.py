"""`/admin/audit`: the audit log, filtered, and exported as CSV and JSON lines."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import bson
from flask import Response, abort, make_response, render_template, request, stream_with_context
from packaging.utils import canonicalize_name

from webapp.admin.blueprint import bp
from webapp.documents import AuditEvent, User
from webapp.documents.auditing import AuditQuerySet
from webapp.documents.base import in_batches, utc_now
from webapp.members import audit
from webapp.rules.spreadsheets import harmless
from webapp.serving.pagination import paginate

EVENTS_PER_PAGE = 50
MAX_LENGTH = 254
# Of an export: how many lines are sent at a time.
LINES = 200
# What an export says of an event: the name of the column, and the field.
COLUMNS = {
    "at": "created_date",
    "kind": "kind",
    "actor": "actor_name",
    "actor_id": "actor_id",
    "description": "description",
    "target": "target",
    "user_id": "user_id",
    "address": "ip_address",
    "user_agent": "user_agent",
    "id": "id",
}


class Filter(NamedTuple):
    """What the log is narrowed to, as it was typed; empty texts narrow nothing."""

    kind: str = ""
    person: str = ""
    project: str = ""
    address: str = ""
    since: str = ""
    until: str = ""
    text: str = ""

    def typed(self) -> dict[str, str]:
        """Return the fields that were filled in, for the address of a page."""
        return {name: value for name, value in self._asdict().items() if value}


@bp.get("/audit")
def audit_log() -> Response:
    """Show the audit log, filtered by kind, person, project, address, date and text."""
    wanted = _filter()
    found = paginate([_question(wanted)], EVENTS_PER_PAGE)
    return make_response(render_template("admin/audit.html", found=found, filter=wanted, kinds=audit.KINDS))


@bp.get("/audit.<any(csv, jsonl):extension>")
def export_audit_log(extension: str) -> Response:
    """Send the filtered log as CSV or as JSON lines, newest first. It is streamed, however long it is."""
    events = _question(_filter()).each()
    audit.record(audit.ADMINISTRATION, f"Exported the audit log as {extension.upper()}.", target="audit log")
    lines, mimetype = FORMATS[extension]
    response = Response(stream_with_context(lines(events)), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="audit-log-{utc_now():%Y-%m-%d}.{extension}"'
    return response


def as_csv(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file, some at a time. No cell is a formula to a spreadsheet."""
    yield ",".join(COLUMNS) + "\r\n"
    for batch in in_batches(events, LINES):
        written = io.StringIO()
        csv.writer(written).writerows([harmless(value or "") for value in _values(event).values()] for event in batch)
        yield written.getvalue()


def as_json_lines(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield one JSON object for each event, some at a time."""
    for batch in in_batches(events, LINES):
        yield "".join(json.dumps(_values(event), ensure_ascii=False) + "\n" for event in batch)


FORMATS: dict[str, tuple[Callable[[Iterable[dict[str, Any]]], Iterator[str]], str]] = {
    "csv": (as_csv, "text/csv"),
    "jsonl": (as_json_lines, "application/jsonl"),
}


def _values(event: dict[str, Any]) -> dict[str, str | None]:
    at = event.get("created_date")
    texts = {name: str(event[field]) if field in event else None for name, field in COLUMNS.items()}
    return texts | {"at": at.isoformat(timespec="milliseconds") if at else None}


def _filter() -> Filter:
    wanted = Filter(**{name: request.args.get(name, "").replace("\0", "").strip() for name in Filter._fields})
    if max(map(len, wanted)) > MAX_LENGTH:
        abort(413, f"Use at most {MAX_LENGTH} characters.")
    if wanted.kind and wanted.kind not in audit.KINDS:
        abort(400, f"Choose one of these kinds: {', '.join(audit.KINDS)}.")
    return wanted


def _question(wanted: Filter) -> AuditQuerySet:
    since, until = _day(wanted.since), _day(wanted.until)
    question = AuditEvent.objects.between(since, until and until + timedelta(days=1))
    if wanted.kind:
        question = question.of_kind(wanted.kind)
    if wanted.person:
        question = question.about_people(_people(wanted.person), wanted.person)
    if wanted.project:
        question = question.about_package(canonicalize_name(wanted.project))
    if wanted.address:
        question = question.from_address(wanted.address)
    if wanted.text:
        question = question.saying(wanted.text)
    found: AuditQuerySet = question.newest()
    return found


def _people(text: str) -> list[bson.ObjectId]:
    """Return the ids of those whom a name, an address, a username or an id can mean; the account may be gone."""
    ids = [person["id"] for person in User.objects.found(text).only("id").plain()]
    return [*ids, bson.ObjectId(text)] if bson.ObjectId.is_valid(text) else ids


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
        # The day after it has to exist, too.
        return day if day is None or day + timedelta(days=1) else None
    except (ValueError, OverflowError):
        abort(400, "Write dates like 2026-11-28.")
