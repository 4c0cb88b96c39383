"""Import security advisories: a dump of OSV's PyPI records as a whole, and an operator's own one by one.

A dump is written beside the advisories that are in use, which one rename then replaces. Files of the dump with the
checksum and size of the last one are not read again; their documents are copied. So a later dump takes a fraction of
the time, and a killed import changes nothing.
"""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import bson
import orjson
from bson.errors import InvalidDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from webapp.changes.search_index import add_indexes
from webapp.documents.advisory import STATE, Advisory, AdvisoryState
from webapp.documents.base import Plain, in_batches, utc_now, without_time_limit
from webapp.documents.validators import set_validator, validator_of
from webapp.rules import osv
from webapp.rules.osv import BadAdvisory
from webapp.rules.texts import said_by

# MongoDB refuses documents of more than 16 MB, and those nested deeper than about 180. A list of short values takes
# several times as much there as in JSON, and an import adds a few fields.
MAX_RECORD_BYTES = 8_000_000
MAX_STORED_BYTES = 16_000_000
MAX_DEPTH = 80
BATCH = 500
BUILDING = "advisories_building_"
# Newer versions of Python read Zstandard, too.
COMPRESSED_BY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# What zipfile raises for an entry that is encrypted, damaged or cut off.
UNREADABLE = (RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
# A killed command keeps others away for this long.
CLAIM = timedelta(minutes=3)


class CannotImport(RuntimeError):
    """Nothing was changed; the message says why."""


class Imported(NamedTuple):
    """What an import did. `left_out` has a sentence for each record that could not be used."""

    records: int
    new: int
    changed: int
    unchanged: int
    removed: int
    left_out: list[str]


def import_dump(
    path: Path, said: Callable[[int, int], None] | None = None, *, may_remove_most: bool = False
) -> Imported:
    """Replace all advisories, except the operator's own, by those of a dump: `all.zip` with one `<ID>.json` each.

    `said` is called with the number of records read and their total. Raises CannotImport, also for a dump that can only
    be the wrong one: no record of it can be used, or it would remove most of the advisories.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
            if not entries:
                raise CannotImport(f"{path} contains no *.json files")
            with _claimed() as claim, without_time_limit():
                return _replace(archive, entries, path.name, claim, said, may_remove_most=may_remove_most)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise CannotImport(f"{path}: {said_by(error)}") from None


def add_own(path: Path) -> str:
    """Add one of the operator's own advisories, or replace it; return its id. Raises CannotImport."""
    try:
        document = _document(path.read_bytes())
    except (OSError, BadAdvisory) as error:
        raise CannotImport(f"{path}: {said_by(error)}") from None
    with _claimed():
        advisories = Advisory.objects.raw()
        standing = advisories.find_one({"_id": document["_id"]}, {"modified": 1, "imported_at": 1}) or {}
        document |= {"is_own": True, "imported_at": _arrival(document, standing, utc_now())}
        advisories.replace_one({"_id": document["_id"]}, document, upsert=True)
    return str(document["_id"])


def remove_own(advisory_id: str) -> bool:
    """Remove one of the operator's own advisories; False if there is none with this id. Raises CannotImport."""
    with _claimed():
        return bool(Advisory.objects.raw().delete_one({"_id": advisory_id, "is_own": True}).deleted_count)


def derived(record: Any) -> Plain:
    """Return the fields of a document that follow from its record. Raises BadAdvisory."""
    said = osv.read(record)
    affects = [
        each._asdict() | {"ranges": [_without_none(part._asdict()) for part in each.ranges]} for each in said.affected
    ]
    fields = said._asdict() | {"severity": said.severity.level, "score": said.severity.score, "affects": affects}
    del fields["affected"], fields["id"]
    return {"_id": said.id} | _without_none(fields)


def _document(content: bytes) -> Plain:
    """Return the document of a record. Raises BadAdvisory."""
    if len(content) > MAX_RECORD_BYTES:
        raise BadAdvisory(f"it has {len(content):,} bytes; at most {MAX_RECORD_BYTES:,} are read")
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadAdvisory(f"it is not JSON: {error}") from None
    # Few records have this many lists and objects at all, so the depth of the others need not be looked at.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH and _is_deeper(record, MAX_DEPTH):
        raise BadAdvisory(f"it is nested more than {MAX_DEPTH} levels deep")
    document = derived(record) | {"record": record}
    try:
        stored_bytes = len(bson.encode(document))
    except (InvalidDocument, OverflowError) as error:
        raise BadAdvisory(f"MongoDB cannot store it: {error}") from None
    if stored_bytes > MAX_STORED_BYTES:
        raise BadAdvisory(f"it takes {stored_bytes:,} bytes in MongoDB; at most {MAX_STORED_BYTES:,} are stored")
    return document


def _is_deeper(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_is_deeper(each, depth - 1) for each in inner)


def _without_none(fields: Plain) -> Plain:
    return {key: value for key, value in fields.items() if value is not None}


class _Claim:
    """The right to change the advisories, which is this command's as long as nobody else changed when it ends."""

    def __init__(self) -> None:
        self._until = AdvisoryState.current()["claimed_until"]

    def renew(self) -> None:
        """Keep it for another while. Raises CannotImport if another command took over, because this one stood still."""
        until = utc_now() + CLAIM
        if not self._change(until):
            raise CannotImport("another command took over, because this one stood still; nothing was changed")
        self._until = until

    def release(self) -> None:
        """Let others change the advisories, unless one of them does so already."""
        self._change(None)

    def _change(self, until: datetime | None) -> bool:
        mine = {"_id": STATE, "claimed_until": self._until}
        return bool(AdvisoryState.objects.raw().update_one(mine, {"$set": {"claimed_until": until}}).matched_count)


@contextmanager
def _claimed() -> Iterator[_Claim]:
    """Keep other commands from changing the advisories meanwhile. Raises CannotImport."""
    if not AdvisoryState.objects.claim(STATE, CLAIM):
        raise CannotImport("another command is changing the advisories; try again in a few minutes")
    claim = _Claim()
    try:
        yield claim
    finally:
        claim.release()


class _Counts:
    def __init__(self) -> None:
        self.new = self.changed = self.unchanged = 0
        self.kept = 0  # of the last dump, because this one has no usable file for them
        self.left_out: list[str] = []

    @property
    def known(self) -> int:
        """How many of the records were here before."""
        return self.unchanged + self.changed


def _replace(
    archive: zipfile.ZipFile,
    entries: list[zipfile.ZipInfo],
    filename: str,
    claim: _Claim,
    said: Callable[[int, int], None] | None,
    *,
    may_remove_most: bool,
) -> Imported:
    """Build the new collection and put it in the place of the old one. Raises CannotImport."""
    started = utc_now()
    advisories = Advisory.objects.raw()
    is_first = not AdvisoryState.current().get("imported_at")
    before = int(advisories.count_documents({"is_own": {"$ne": True}}))
    building = _empty_building()
    try:
        own = {each["_id"] for each in _copied(advisories.find({"is_own": True}), building)}
        counts, done = _Counts(), 0
        files = _by_id(entries)
        for batch in in_batches(files.items(), BATCH):
            # At first everything is new, and the dates of the records say more.
            _import_batch(archive, dict(batch), own, building, counts, None if is_first else started)
            done += len(batch)
            claim.renew()
            if said:
                said(done, len(files))
        _check(counts, before, filename, may_remove_most=may_remove_most)
        add_indexes(Advisory, building)
        if building.count_documents({}) != len(own) + counts.known + counts.new + counts.kept:
            claim.renew()  # says so if another command took over, and dropped them
            raise CannotImport("the new advisories are not all there; nothing was changed")
        claim.renew()
        building.rename(Advisory._get_collection_name(), dropTarget=True)
    except BaseException as error:  # including Ctrl-C
        building.drop()
        if isinstance(error, OperationFailure):
            # Another command that took over drops what this one builds, and replaces what it reads: say so instead.
            claim.renew()
        raise
    unchanged = counts.unchanged + counts.kept
    records, removed = counts.new + counts.changed + unchanged, before - counts.changed - unchanged
    AdvisoryState.note(filename=filename, records=bson.Int64(records), imported_at=started)
    return Imported(records, counts.new, counts.changed, unchanged, removed, counts.left_out)


def _by_id(entries: list[zipfile.ZipInfo]) -> dict[str, list[zipfile.ZipInfo]]:
    """Return the files by the id their record should have: their name, in whatever folder. The last comes first."""
    found: dict[str, list[zipfile.ZipInfo]] = {}
    for entry in reversed(entries):
        found.setdefault(PurePosixPath(entry.filename).stem, []).append(entry)
    return found


def _check(counts: _Counts, before: int, filename: str, *, may_remove_most: bool) -> None:
    """Refuse a dump that can only be the wrong one: of another ecosystem, or a part. Raises CannotImport."""
    if counts.left_out and not counts.known + counts.new:
        example = counts.left_out[0]
        raise CannotImport(f"{filename} has no advisory that can be used, so nothing was changed. Its first: {example}")
    # Advisories are withdrawn rather than removed, so a dump of everything is hardly ever shorter than the last one.
    if counts.known * 2 < before and not may_remove_most:
        raise CannotImport(
            f"{filename} has only {counts.known:,} of the {before:,} advisories that are here, so it may be a part or "
            "of another ecosystem, and nothing was changed. If it is complete, import it with --remove-most."
        )


def _empty_building() -> Collection[Plain]:
    """Return a new collection, and remove those that killed imports left."""
    database = Advisory._get_db()
    for name in database.list_collection_names():
        if name.startswith(BUILDING):
            database.drop_collection(name)
    # Its own name: an import that stood still may go on, and must not write into this one.
    building: Collection[Plain] = database[f"{BUILDING}{bson.ObjectId()}"]
    if isinstance(database, Database):  # mongomock has no validators
        database.create_collection(building.name)
        set_validator(building, validator_of(Advisory))
    return building


def _import_batch(
    archive: zipfile.ZipFile,
    files: dict[str, list[zipfile.ZipInfo]],
    own: set[str],
    building: Collection[Plain],
    counts: _Counts,
    started: datetime | None,
) -> None:
    """Import some files of a dump, by id. `started` is when the import began, or None for the first one."""
    advisories = Advisory.objects.raw()
    fields = {"crc": 1, "size": 1, "modified": 1, "imported_at": 1, "is_own": 1}
    standing = {each["_id"]: each for each in advisories.find({"_id": {"$in": list(files)}}, fields)}
    same: list[str] = []
    kept: list[str] = []
    documents: list[Plain] = []
    for name in files.keys() - own:
        here = standing.get(name, {})
        document = _first_usable(archive, name, files[name], here, counts)
        if document is None:
            if here:  # a damaged dump must not remove what the site warns of
                kept.append(name)
            continue
        if document is here:
            same.append(name)
            continue
        document["imported_at"] = _arrival(document, here, started or document["modified_at"])
        documents.append(document)
        if name in standing:
            counts.changed += 1
        else:
            counts.new += 1
    counts.unchanged += len(list(_copied(advisories.find({"_id": {"$in": same}}), building)))
    counts.kept += len(list(_copied(advisories.find({"_id": {"$in": kept}}), building)))
    if documents:
        building.insert_many(documents)


def _first_usable(
    archive: zipfile.ZipFile, name: str, files: list[zipfile.ZipInfo], standing: Plain, counts: _Counts
) -> Plain | None:
    """Return the document of the first of these files that can be used, or `standing` if it was made from that file.

    Those before it, and those after it that differ from it, are noted as left out. None if no file can be used.
    """
    for position, entry in enumerate(files):
        source = {"crc": entry.CRC, "size": entry.file_size}
        is_same = source.items() <= standing.items()
        try:
            document = standing if is_same else _read(archive, name, entry)
        except BadAdvisory as error:
            counts.left_out.append(f"{entry.filename}: {error}")
            continue
        counts.left_out += [
            f"{other.filename}: {entry.filename} comes later and has the same id"
            for other in files[position + 1 :]
            if (other.CRC, other.file_size) != (entry.CRC, entry.file_size)
        ]
        return document
    return None


def _read(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> Plain:
    """Return the document of a file whose record should have this id. Raises BadAdvisory."""
    document = _document(_content(archive, entry))
    if document["_id"] != name:
        raise BadAdvisory(f"its id is {document['_id']}")
    return document | {"crc": bson.Int64(entry.CRC), "size": bson.Int64(entry.file_size)}


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_RECORD_BYTES:
        raise BadAdvisory(f"it has {entry.file_size:,} bytes; at most {MAX_RECORD_BYTES:,} are read")
    if entry.compress_type not in COMPRESSED_BY:
        raise BadAdvisory("it is compressed in a way that is not read here")
    try:
        return archive.read(entry)
    except OSError as error:
        if error.errno is not None:  # the disk's, not that of bzip2 for damaged data
            raise
        raise BadAdvisory(str(error)) from None
    except UNREADABLE as error:
        raise BadAdvisory(str(error) or "its data is cut off") from None


def _arrival(document: Plain, standing: Plain, now: datetime) -> datetime:
    """Return when an advisory arrived: now, unless the record stands here and says that it was not modified since."""
    arrived = standing.get("imported_at")
    return arrived if isinstance(arrived, datetime) and standing.get("modified") == document["modified"] else now


def _copied(documents: Any, building: Collection[Plain]) -> Iterator[Plain]:
    """Copy documents and yield them."""
    for batch in in_batches(documents, BATCH):
        building.insert_many(batch)
        yield from batch
