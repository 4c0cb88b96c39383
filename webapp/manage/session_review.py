"""What a maintainer should know of a publishing session before it is published: what is odd, and what is different."""

from collections.abc import Iterator, Mapping
from typing import Any

from webapp.changes.stating import statement_of
from webapp.documents import Package, PublishingSession, ReleaseDescription, ReleaseFacts, StoredFile
from webapp.documents.base import Plain
from webapp.documents.package_page import package_page
from webapp.documents.publishing_session import COMPLETED, PENDING
from webapp.documents.release_facts import STATED
from webapp.rules import comparing, naming
from webapp.rules.texts import counted

# A file that became this much larger or smaller is worth a look.
FACTOR = 2
_FACTS = {
    "Summary": "summary",
    "Requires Python": "requires_python",
    "Licence": "license_expression",
    "Author": "author_email",
}
_LISTS = {"Extras": "provides_extra", "Classifiers": "classifiers", "Keywords": "keywords"}
# An sdist learns some fields only when it is built.
_NOT_COMPARED = {"dynamic", "license_files"}


def review(session: PublishingSession) -> Plain:
    """Return {odd, compared_with, ...}: what is odd in a session, and how it differs from the latest release."""
    stored = StoredFile.objects.of_session(session.pk).only("metadata", "entry_points", "warnings").plain()
    statements = {each["filename"]: _stated(each) for each in stored if each.get("metadata")}
    said = statements[min(statements, key=lambda name: (not name.endswith(".whl"), name))] if statements else None
    package: Plain = Package.objects(pk=session.package).only("latest").plain_first() or {}
    latest = package.get("latest", {}).get("version")
    page = package_page(session.package, latest, first=0, count=1) if latest else None
    old: Mapping[str, Any] = (page.release if page else None) or {"version": "", "files": []}
    completed = [each.file.to_mongo().to_dict() for each in session.files if each.state == COMPLETED and each.file]
    rows = comparing.files(old, {"version": session.version, "files": completed})
    found = {
        "odd": list(_odd(session, statements, rows, latest)),
        "warnings": {each["filename"]: each.get("warnings", []) for each in stored},
        "compared_with": latest if said else None,
    }
    return found | (_differences(session, latest, said) if latest and said else {}) | {"files": rows}


def _stated(stored: Plain) -> Plain:
    said = statement_of(stored["metadata"], None, stored["filename"], stored.get("entry_points")).said
    return {name: getattr(said, name) for name in (*STATED, "description")}


def _odd(
    session: PublishingSession, statements: dict[str, Plain], rows: list[Plain], latest: str | None
) -> Iterator[str]:
    for each in session.files:
        if each.state == PENDING:
            yield f"{each.filename} has not arrived completely."
        elif each.state != COMPLETED:
            yield f"{each.filename} did not pass the checks: {each.problem}"
    if not session.files:
        return
    if all(each.filename.endswith(".whl") for each in session.files):
        yield "There is no source distribution."
    if latest and naming.sort_key(session.version) < naming.sort_key(latest):
        yield f"{session.version} is older than the latest release, {latest}."
    differing = sorted({name for name in STATED if name not in _NOT_COMPARED and _differs(name, statements)})
    if differing:
        yield f"The files state different things about: {', '.join(name.replace('_', ' ') for name in differing)}."
    for row in rows:
        before, after = row.get("before"), row.get("after")
        if "after" not in row:
            yield f"{latest} has a file that this release has no counterpart of: {row['filename']}"
        elif before and after and not before / FACTOR <= after <= before * FACTOR:
            yield f"{row['filename']} has {counted(after, 'bytes')}; in {latest} it had {before:,}."


def _differs(name: str, statements: dict[str, Plain]) -> bool:
    values = [said[name] for said in statements.values() if said.get(name)]
    return any(value != values[0] for value in values)


def _differences(session: PublishingSession, latest: str, said: Plain) -> Plain:
    """Return what the page of a comparison shows, apart from the files."""
    before: Mapping[str, Any] | None = ReleaseFacts.of(session.package, latest)
    if before is None:
        return {"unknown": [latest]}
    after = {name: value for name, value in said.items() if value}
    pairs = [(label, before.get(field, ""), after.get(field, "")) for label, field in _FACTS.items()]
    lists = [
        {"label": label} | comparing.added_and_removed(before.get(field, []), after.get(field, []))
        for label, field in _LISTS.items()
    ]
    if "entry_points" in before and said.get("entry_points") is not None:
        entry_points = comparing.added_and_removed(before["entry_points"], said["entry_points"])
        lists.append({"label": "Entry points"} | entry_points)
    return {
        "unknown": [],
        "facts": [{"label": label, "before": one, "after": other} for label, one, other in pairs if one != other],
        "requirements": comparing.requirements(before.get("requires_dist", []), after.get("requires_dist", [])),
        "lists": [each for each in lists if each["added"] or each["removed"]],
        "description": comparing.description_lines(_text(session, before), after.get("description", "")),
    }


def _text(session: PublishingSession, facts: Mapping[str, Any]) -> str:
    """Return the description of a release: its project's, or one of its own."""
    description_id = facts.get("description_id")
    if not description_id:
        return ""
    package: Plain = Package.objects(pk=session.package).only("description", "description_id").plain_first() or {}
    if package.get("description_id") == description_id:
        return str(package.get("description", ""))
    return str((ReleaseDescription.of(session.package, description_id) or {}).get("text", ""))
