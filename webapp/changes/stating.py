"""Store what releases state about themselves, and show what the latest one states in its package.

Facts are written before the package is stored. Writing them twice changes nothing: the most reliable source wins
(`SOURCES`), in any order. So a process that dies in between leaves facts of a release that nobody sees, and the next
attempt writes them again.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import bson
from packaging.utils import NormalizedName

from webapp.changes.core_metadata import package_from_metadata
from webapp.changes.rendering import RENDERED, render_into
from webapp.documents import Package, Release, ReleaseDescription, ReleaseFacts, StoredFile
from webapp.documents.base import utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.plain_fields import FactsFields
from webapp.documents.release import is_own
from webapp.documents.release_facts import (
    MOVED,
    SDIST,
    SOURCES,
    STATED,
    WHEEL,
    description_id_of,
    key_of,
    within,
)
from webapp.documents.stored_file import STORED
from webapp.rules.distributions import WHEEL as WHEEL_FILE

# Fields in which the files of one release may differ: an sdist learns some of them only when it is built.
_NOT_COMPARED = {"dynamic", "license_files"}
DESCRIPTION = ("description", *RENDERED)


class Text(NamedTuple):
    """A description, as a package has it."""

    description: str | None
    description_content_type: str | None
    description_html: str | None
    description_problem: str | None
    description_renderer: str | None


# What is known of some releases, by their versions.
Known = dict[str, FactsFields | None]
T = TypeVar("T")


class Statement(NamedTuple):
    """What a source states about one release."""

    said: Package  # its fields are the facts
    source: str  # one of SOURCES
    filename: str | None = None  # the file that states it
    as_of: int | None = None  # the serial of an index's document


def statement_of(
    metadata: str, packagetype: str | None, filename: str, entry_points: list[str] | None = None
) -> Statement:
    """Return what a file's core metadata and entry points state. Raises InvalidName."""
    said = package_from_metadata(metadata)
    said.entry_points = entry_points
    return Statement(said, WHEEL if packagetype == WHEEL_FILE else SDIST, filename)


def state(package: Package, release: Release, statement: Statement, before: str | None) -> Known:
    """Store what is stated about a release of a package, unless a better source has stated it.

    Both are about to be stored, and the package already knows which of its releases is the latest. `before` is the
    version whose facts it shows so far; what is known of that one and of the release is for `show_latest`.
    """
    known: Known = {}
    if before is not None:
        known[before] = facts_when_read(package, before)
    if statement.filename and len(release.files) > 1:
        version = release.version
        stated = known[version] if version in known else ReleaseFacts.of(package.pk, version)
        _compare(release, statement, stated)
    known[release.version] = keep_better_facts(package, release.version, statement)
    return known


def facts_when_read(package: Package, version: str) -> FactsFields | None:
    """Return what a release states, from what was read with the package if that has it."""
    read, package.facts_when_read = package.facts_when_read, None  # only once: they may change from here on
    if read and read["key"] == key_of(package.pk, version):
        return cast("FactsFields", read)
    return ReleaseFacts.of(package.pk, version)


def keep_better_facts(package: Package, version: str, statement: Statement) -> FactsFields | None:
    """Store what is stated about a release, unless a better source has stated it; return what is stored."""
    said = statement.said
    description_id = description_id_of(said.description, said.description_content_type)
    is_shown = package.latest is not None and package.latest.version == version
    shown = description_id_of(package.description, package.description_content_type)
    if description_id and not is_shown and description_id != shown:
        keep_description(package.pk, said)
    # In the order of the fields of ReleaseFacts; building one takes ten times as long.
    values: dict[str, Any] = {
        "name": said.name,
        **{name: getattr(said, name) for name in STATED},
        "description_id": description_id,
        "source": statement.source,
        "filename": statement.filename,
        "as_of": None if statement.as_of is None else bson.Int64(statement.as_of),
        "stated_at": utc_now(),
    }
    son = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    if said.entry_points is not None:
        # A wheel without entry points differs from a file whose entry points are unknown.
        son["entry_points"] = said.entry_points
    no_better = {"_id": key_of(package.pk, version), "$or": _no_better_than(statement)}
    if not ReleaseFacts.objects.upsert_if(no_better, son):
        return ReleaseFacts.of(package.pk, version)  # a better source has stated it
    return cast("FactsFields", son)


def _no_better_than(statement: Statement) -> list[dict[str, Any]]:
    """Return the condition for stored facts that a statement replaces: from a worse source, or as good and not newer.

    Of two files of one kind, the one whose name comes first counts, so that the order of uploads does not matter.
    """
    worse = SOURCES[: SOURCES.index(statement.source)]
    equal: dict[str, Any] = {"source": statement.source}
    if statement.filename:
        equal["filename"] = {"$gte": statement.filename}
    elif statement.as_of is not None:
        equal["$or"] = [{"as_of": None}, {"as_of": {"$lte": statement.as_of}}]
    return [{"source": {"$in": [None, *worse]}}, equal]


def _compare(release: Release, statement: Statement, stored: Mapping[str, Any] | None) -> None:
    """Record in which fields the files of a release disagree. A file that lacks a field does not disagree."""
    if stored is None or stored.get("filename") in (None, statement.filename):
        return
    said = statement.said
    different = [
        name
        for name in STATED
        if name not in _NOT_COMPARED and (mine := getattr(said, name)) and name in stored and mine != stored[name]
    ]
    if release.differing or different:
        release.differing = sorted({*(release.differing or ()), *different})


def show_latest(package: Package, before: str | None, said: Package | None = None, known: Known | None = None) -> None:
    """Make a package show what its latest release states, and nothing that is unknown.

    `before` is the version whose facts it shows so far. `said` is what was just stated, including the description,
    and `known` are facts that were read already.
    """
    if known is None:  # otherwise `state` needed the same
        package.clean()
    latest = package.latest.version if package.latest else None
    if latest is None:
        return
    facts = known_facts(package, latest, known)
    if facts is None and latest == before:
        return  # old databases and migrations know only facts of the project: these are its latest release's
    if before is not None and before != latest and known_facts(package, before, known) is None:
        keep_better_facts(package, before, Statement(_shown(package), MOVED))
    old = Text(*(getattr(package, name) for name in Text._fields))
    for name in STATED:
        setattr(package, name, (facts or {}).get(name))  # None sets its default
    if facts and facts.get("name"):
        package.name = facts["name"]
    _show_description(package, (facts or {}).get("description_id"), old, said)
    package.derive_from_facts()


def _show_description(package: Package, description_id: str | None, old: Text, said: Package | None) -> None:
    shown = description_id_of(old.description, old.description_content_type)
    source: Package | Text | None
    if said and description_id_of(said.description, said.description_content_type) == description_id:
        source = said
    elif shown == description_id:
        source = old
    else:
        source = text_of(package.pk, description_id)
    if shown != description_id:
        _keep_replaced(package.pk, old)
    for name in DESCRIPTION:
        setattr(package, name, getattr(source, name, None))


class NotRendered(Exception):
    """A description must be rendered before the change can be made."""

    def __init__(self, normalized_name: str, said: Package) -> None:
        super().__init__(normalized_name)
        self.normalized_name, self.said = normalized_name, said


def with_rendered(attempt: Callable[[], T]) -> T:
    """Make a change after which another release may be the latest, or older facts are stored.

    Rendering a description may take long, and other changes of the project wait for this one. So a change that needs it
    stops, and is repeated when it is done. Raises RenderersBusy.
    """
    while True:
        try:
            return attempt()
        except NotRendered as missing:
            needed = missing
        render_into(needed.said)
        keep_description(needed.normalized_name, needed.said)


def text_of(normalized_name: str, description_id: str | None) -> Package | None:
    """Return a stored description, in the fields of a package, or None."""
    found = ReleaseDescription.of(normalized_name, description_id) if description_id else None
    if found is None:
        return None
    return Package(
        description=found.get("text"),
        description_content_type=found.get("content_type"),
        description_html=found.get("html"),
        description_renderer=found.get("renderer"),
        description_problem=found.get("problem"),
    )


def _keep_replaced(normalized_name: str, old: Text) -> None:
    """Store a text that the package is about to lose, if some release has it."""
    description_id = description_id_of(old.description, old.description_content_type)
    which = within(normalized_name) | {"description_id": description_id}
    if description_id and ReleaseFacts.objects.raw().find_one(which, {"_id": 1}):
        keep_description(normalized_name, old)


def keep_description(normalized_name: str, said: Package | Text) -> None:
    """Store a text that releases have but their package does not. Raises NotRendered."""
    key = key_of(normalized_name, str(description_id_of(said.description, said.description_content_type)))
    texts = ReleaseDescription.objects.raw()
    if texts.find_one({"_id": key}, {"_id": 1}):
        return
    if said.description_html is None:
        raise NotRendered(normalized_name, Package(**said._asdict()) if isinstance(said, Text) else said)
    document = ReleaseDescription(
        text=said.description,
        content_type=said.description_content_type,
        html=said.description_html,
        renderer=said.description_renderer,
        problem=said.description_problem,
        kept_at=utc_now(),
    )
    texts.replace_one({"_id": key}, document.to_mongo().to_dict(), upsert=True)


def _shown(package: Package) -> Package:
    """Return a copy of what a package shows."""
    return Package(name=package.name, **{name: getattr(package, name) for name in (*STATED, *DESCRIPTION)})


def known_facts(package: Package, version: str, known: Known | None = None) -> FactsFields | None:
    """Return the facts of a release: the stored ones, or those of its files, which are then stored."""
    facts = known[version] if known and version in known else ReleaseFacts.of(package.pk, version)
    if facts is None or SOURCES.index(facts.get("source", MOVED)) < SOURCES.index(SDIST):
        for release in package.releases_of(version):
            if statement := best_statement(package.pk, release):
                if statement.said.description:
                    keep_description(package.pk, statement.said)
                keep_better_facts(package, version, statement)
                return ReleaseFacts.of(package.pk, version)
    return facts


def best_statement(normalized_name: str, release: Release) -> Statement | None:
    """Return what the uploaded files of a release state: wheels before sdists, which may state less."""
    own = sorted((file for file in release.files if is_own(file.url)), key=_preference)
    for file in own:
        kept = StoredFile.objects(pk=file.filename).only("metadata", "entry_points").plain_first()
        if kept and kept.get("metadata"):
            statement = statement_of(kept["metadata"], file.packagetype, file.filename, kept.get("entry_points"))
            if statement.said.normalized_name == normalized_name:
                return statement
    return None


def _preference(file: Any) -> tuple[bool, str]:
    return file.packagetype != WHEEL_FILE, file.filename


def restate(package: Package, release: Release, gone: str) -> None:
    """Let other files of a release state its facts if the file that stated them is deleted."""
    stated_by_it = {"_id": key_of(package.pk, release.version), "filename": gone}
    facts = ReleaseFacts.objects.raw()
    if facts.find_one(stated_by_it, {"_id": 1}) and (statement := best_statement(package.pk, release)):
        if statement.said.description:
            keep_description(package.pk, statement.said)
        facts.update_one(stated_by_it, {"$set": {"source": MOVED}})
        keep_better_facts(package, release.version, statement)


def forget_unlisted(package: Package, versions: set[str]) -> None:
    """Delete the facts of those versions that a stored package no longer lists."""
    if gone := {version for version in versions if not package.releases_of(version)}:
        ReleaseFacts.forget(package.pk, gone, package.updated_date)


def state_stored_files() -> None:
    """Let files from an older version state the facts of their releases. Existing facts stay.

    It can be interrupted at any time: releases with facts are skipped the next time.
    """
    files = StoredFile.objects.raw()
    by_package = [{"$match": {"state": STORED}}, {"$group": {"_id": "$package"}}]
    for row in files.aggregate(by_package):
        if isinstance(row["_id"], str) and (package := Package.to_change(NormalizedName(row["_id"]))):
            # A package that is being changed gets its facts by that change, or by `flask db repair`.
            with contextlib.suppress(ConcurrentChange):
                with_rendered(partial(_state_all, package))


def _state_all(package: Package) -> None:
    before = package.latest.version if package.latest else None
    for release in package.all_releases():
        known_facts(package, release.version)
    show_again(package, before)


def show_again(package: Package, before: str | None) -> None:
    """Make a package show what its latest release states, and store it if that changes it. Raises ConcurrentChange."""
    shown = package.to_mongo()
    show_latest(package, before)
    if package.to_mongo() != shown:
        package.store()
