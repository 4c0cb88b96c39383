"""Restore one project from a dump, with everything that belongs to it, into a site that goes on.

    bytes -> documents of its files -> facts, journal, downloads -> the project itself, with a journal entry -> search

The project comes last, so readers see all of it or nothing, and the same command continues after an interruption.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bson
import mongoengine as me
from packaging.utils import NormalizedName
from pymongo.errors import BulkWriteError, DuplicateKeyError

from webapp.changes import search_index
from webapp.changes.changing import write_out
from webapp.changes.lost_bytes import is_whole
from webapp.changes.pypi_json import keep_labels
from webapp.documents import (
    Advisory,
    AdvisoryState,
    ApiToken,
    AuditEvent,
    Chunk,
    Contents,
    Counter,
    DescriptionImage,
    Download,
    DownloadCount,
    JournalEntry,
    JournalState,
    KnownName,
    License,
    NameClaim,
    Package,
    Page,
    PendingPublisher,
    ProgrammingLanguage,
    PublishingSession,
    ReleaseDescription,
    ReleaseFacts,
    SearchEntry,
    SearchState,
    SearchWord,
    SiteStats,
    StoredFile,
    Team,
    UpstreamFile,
    UpstreamProject,
    UsedToken,
    User,
    Watcher,
    Webhook,
    WebhookMessage,
    contents,
)
from webapp.documents.base import Plain, as_declared, utc_now, without_time_limit
from webapp.documents.journal import JournalFields, next_serial
from webapp.documents.known_name import NO_TEAM
from webapp.documents.stored_file import DELETED, STORED
from webapp.documents.validators import schema_of
from webapp.inspection.extended_json import UnreadableLine, documents_in
from webapp.inspection.manifest import BadDump, DumpedCollection, Manifest
from webapp.inspection.shape import without_nulls
from webapp.mongodb.errors import is_only_duplicates
from webapp.rules import naming
from webapp.rules.texts import counted

ACTION = "restore project"
_BATCH = 500


def _is_its_own(name: str, son: Plain) -> bool:
    return bool(son["_id"] == name)


def _begins_with_it(name: str, son: Plain) -> bool:
    return str(son["_id"]).startswith(f"{name}/")


def _names_it(name: str, son: Plain) -> bool:
    return bool(son.get("package") == name)


# How to recognize the documents of a project. Those that are not there any more are restored as they were.
OF_PROJECT: dict[Any, Callable[[str, Plain], bool]] = {
    Package: _is_its_own,
    StoredFile: _names_it,
    ReleaseFacts: _begins_with_it,
    ReleaseDescription: _begins_with_it,
    JournalEntry: _names_it,
    Download: _names_it,
    DownloadCount: _names_it,
}
# What follows from these: the bytes of its files, and what searches, lists and upstream need to know.
FOLLOWS = (Contents, Chunk, License, ProgrammingLanguage, SearchEntry, SearchWord, KnownName)
# A new collection belongs into one of these three; a test compares them with all documents.
OF_THE_SITE = (
    *(Advisory, AdvisoryState, ApiToken, AuditEvent, Counter, DescriptionImage, JournalState, NameClaim, Page),
    *(
        PendingPublisher,
        PublishingSession,
        SearchState,
        SiteStats,
        Team,
        UpstreamFile,
        UpstreamProject,
        UsedToken,
        User,
        Watcher,
    ),
    *(Webhook, WebhookMessage),
)


class CannotRestore(RuntimeError):
    """The project cannot be restored; the message says why."""


class Found(NamedTuple):
    """What a dump has of a project."""

    package: Plain
    others: dict[Any, list[Plain]]
    gone: list[str]  # maintainers who no longer have an account
    gone_teams: list[str]

    def stored_files(self) -> list[Plain]:
        """Return the files whose bytes are in the dump."""
        return [son for son in self.others[StoredFile] if son.get("state") == STORED]


def restore_project(folder: Path, name: str, report: Callable[[str], None], *, dry_run: bool = False) -> None:
    """Restore a project that does not exist. Raises BadDump, CannotRestore, OSError and PyMongoError."""
    key = _key_of(name)
    with without_time_limit():
        if Package.objects.raw().count_documents({"_id": key}, limit=1):
            raise CannotRestore(f"{key} exists. Delete the project first; its files and history come back with it")
        dumped = {each.name: each for each in Manifest.read(folder, only=_needed()).collections}
        found = _found(folder, dumped, key)
        _refuse_conflicts(found)
        for line in _described(key, found):
            report(line)
        if dry_run:
            _compare_bytes(folder, dumped, found)
            return
        _restore_files(folder, dumped, found)
        for document_type in (ReleaseFacts, ReleaseDescription, JournalEntry, Download, DownloadCount):
            _insert_missing(document_type, found.others[document_type])
        _restore_package(key, found.package)


def _key_of(name: str) -> NormalizedName:
    try:
        return naming.normalize_name(name)
    except naming.InvalidName as error:
        raise CannotRestore(str(error)) from None


def _needed() -> set[str]:
    return {document_type._get_collection_name() for document_type in (*OF_PROJECT, Contents, Chunk)}


def _found(folder: Path, dumped: dict[str, DumpedCollection], key: str) -> Found:
    others = {
        document_type: [son for son in _read(folder, dumped, document_type, key) if is_of(key, son)]
        for document_type, is_of in OF_PROJECT.items()
    }
    packages = others.pop(Package)
    if not packages:
        raise CannotRestore(f"{folder} has no project {key}")
    package = packages[0]
    maintainers = as_declared(Package, {"maintainers": package.get("maintainers")}).get("maintainers", [])
    ids = [each["user_id"] for each in maintainers if "user_id" in each]
    there = {son["_id"] for son in User.objects.raw().find({"_id": {"$in": ids}}, {"_id": 1})}
    gone = [str(each.get("name")) for each in maintainers if each.get("user_id") not in there]
    if there:  # otherwise they stay as names: an administrator chooses an owner
        package["maintainers"] = [each for each in package["maintainers"] if each.get("user_id") in there]
    return Found(package, others, gone, _forget_teams(package))


def _forget_teams(package: Plain) -> list[str]:
    """Take teams that do not exist out of a package, and return their names.

    Another team may get the name of one that is gone, and must neither get its projects nor read them.
    """
    plain = as_declared(Package, {name: package[name] for name in ("teams", "readers") if name in package})
    maintaining = [each["team"] for each in plain.get("teams", []) if "team" in each]
    readers = plain.get("readers", [])
    known = {son["_id"] for son in Team.objects.raw().find({"_id": {"$in": [*maintaining, *readers]}}, {"_id": 1})}
    if "teams" in plain:
        package["teams"] = [each for each in package["teams"] if isinstance(each, dict) and each.get("team") in known]
    if readers:  # without any, everybody could read it
        package["readers"] = list(dict.fromkeys(name if name in known else NO_TEAM for name in readers))
    return sorted({*maintaining, *readers} - known - {NO_TEAM})


def _read(
    folder: Path, dumped: dict[str, DumpedCollection], document_type: type[me.Document], key: str
) -> Iterator[Plain]:
    """Yield the documents of a collection in which the project's name occurs."""
    collection = dumped.get(document_type._get_collection_name())
    if collection is None or collection.is_view:
        return
    codec = document_type.objects.raw().codec_options
    path = folder / collection.file
    try:
        for document in documents_in(path, key.encode()):
            yield bson.decode(document, codec)
    except UnreadableLine as error:
        raise BadDump(f"{path}, {error}") from None


def _refuse_conflicts(found: Found) -> None:
    for son in found.others[StoredFile]:
        same_name: list[Plain] = [{"_id": son["_id"]}]
        if son.get("canonical_name"):
            same_name.append({"canonical_name": son["canonical_name"]})
        for other in StoredFile.objects.raw().find({"$or": same_name}, {"sha256": 1, "package": 1}):
            if (other["_id"], other.get("sha256", son.get("sha256"))) != (son["_id"], son.get("sha256")):
                raise CannotRestore(f"{son['_id']} cannot come back, because {other['_id']} was published since")


def _described(key: str, found: Found) -> Iterator[str]:
    files = found.stored_files()
    size = sum(int(son.get("size") or 0) for son in files)
    counts = (
        counted(len(found.package.get("releases") or []), "releases"),
        f"{counted(len(files), 'files')} of {counted(size, 'bytes')}",
        counted(len(found.others[JournalEntry]), "journal entries"),
        f"{counted(len(found.others[ReleaseFacts]), 'releases')} with facts",
    )
    yield f"{key}: {', '.join(counts)}"
    if found.gone:
        nobody_else = len(found.gone) == len(found.package.get("maintainers") or [])
        what = "they stay as names, so an administrator has to choose an owner" if nobody_else else "they are left out"
        yield f"maintainers without an account: {', '.join(found.gone)}; {what}"
    if found.gone_teams:
        yield f"teams that do not exist: {', '.join(found.gone_teams)}; they are left out"


def _compare_bytes(folder: Path, dumped: dict[str, DumpedCollection], found: Found) -> None:
    """Make sure that the dump has all bytes that are not here."""
    lengths: dict[Any, int] = {}
    wanted = {son["content_id"] for son in _lost(found)}
    for chunk in _chunks(folder, dumped, wanted):
        lengths[chunk["files_id"]] = lengths.get(chunk["files_id"], 0) + len(chunk["data"])
    for son in _lost(found):
        if lengths.get(son["content_id"], 0) != son.get("size"):
            raise CannotRestore(f"the dump does not have all bytes of {son['_id']}")


def _lost(found: Found) -> list[Plain]:
    """Return the files whose bytes are not here."""
    standing = {son["_id"]: son for son in _here(found)}
    return [
        son
        for son in found.stored_files()
        if standing.get(son["_id"], {}).get("state") != STORED or not is_whole(standing[son["_id"]])
    ]


def _here(found: Found) -> Iterator[Plain]:
    names = [son["_id"] for son in found.others[StoredFile]]
    yield from StoredFile.objects.raw().find({"_id": {"$in": names}}, {"metadata": 0})


def _chunks(folder: Path, dumped: dict[str, DumpedCollection], wanted: set[Any]) -> Iterator[Plain]:
    collection = dumped.get(Chunk._get_collection_name())
    if not wanted or collection is None:
        return
    for document in documents_in(folder / collection.file):
        chunk = bson.decode(document)
        if chunk.get("files_id") in wanted:
            yield chunk


def _restore_files(folder: Path, dumped: dict[str, DumpedCollection], found: Found) -> None:
    """Restore bytes under new ids, and then the documents of their files."""
    lost = _lost(found)
    new_ids = {son["content_id"]: bson.ObjectId() for son in lost}
    for chunk in _chunks(folder, dumped, set(new_ids)):
        values = {"files_id": new_ids[chunk["files_id"]], "n": chunk["n"], "data": chunk["data"]}
        Chunk.objects.raw().insert_one(values)
    for son in lost:
        content_id, size = new_ids[son["content_id"]], int(son.get("size") or 0)
        if contents.sha256_of(content_id, size) != son.get("sha256"):
            for each in new_ids.values():
                contents.delete(each)
            raise CannotRestore(f"the dump does not have the bytes of {son['_id']}")
        contents.describe(content_id, son["_id"], size)
    for son in lost:
        restored = without_nulls(schema_of(StoredFile), {**son, "content_id": new_ids[son["content_id"]]})
        left = StoredFile.objects.raw().find_one({"_id": son["_id"]}, {"content_id": 1}) or {}
        StoredFile.objects.raw().replace_one({"_id": son["_id"]}, restored, upsert=True)
        if left.get("content_id"):
            contents.delete(left["content_id"])
    # Names of deleted files stay taken.
    _insert_missing(StoredFile, (son for son in found.others[StoredFile] if son.get("state") == DELETED))


def _insert_missing(document_type: type[me.Document], documents: Iterable[Plain]) -> None:
    # A dump may be older than the rule that a list is never null.
    schema = schema_of(document_type)
    batch = [without_nulls(schema, each) for each in documents]
    for start in range(0, len(batch), _BATCH):
        try:
            document_type.objects.raw().insert_many(batch[start : start + _BATCH], ordered=False)
        except BulkWriteError as error:
            if not is_only_duplicates(error):
                raise


def _restore_package(key: NormalizedName, son: Plain) -> None:
    """Insert the project with a journal entry, from which mirrors learn that it is there again."""
    serial, now = next_serial(), utc_now()
    entry = JournalFields(serial=serial, action=ACTION, at=now).to_mongo().to_dict()
    restored = {name: value for name, value in son.items() if name not in ("unwritten", "invitations")}
    restored |= {"updated_date": now, "last_serial": bson.Int64(serial), "unwritten": [entry]}
    try:
        Package.objects.raw().insert_one(without_nulls(schema_of(Package), restored))
    except DuplicateKeyError:
        raise CannotRestore(f"somebody has just created {key}") from None
    write_out(key, [entry])
    keep_labels(Package(**as_declared(Package, restored)))
    search_index.write_entry(key)
    KnownName.remember(key)
