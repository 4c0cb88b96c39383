"""Dump the whole database to a folder: a file of Extended JSON lines for each collection, or of BSON if it holds bytes.

    choose a moment -> write the files, and note how far they have come -> the manifest -> the folder gets its name

All collections of a replica set are read at the same moment, while the site goes on. A dump that was interrupted is
continued at that moment, if MongoDB still keeps it.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mongoengine as me
from bson import Timestamp
from pymongo.database import Database
from pymongo.errors import OperationFailure

from webapp.documents import DOCUMENTS
from webapp.documents.base import utc_now, without_time_limit
from webapp.inspection.extended_json import RAW, Digest, documents_in, is_in_base64, line_of
from webapp.inspection.manifest import BINARY, LINES, MANIFEST, DumpedCollection, Manifest
from webapp.inspection.moment import (
    SNAPSHOT_TOO_OLD,
    SNAPSHOT_UNAVAILABLE,
    AtMoment,
    has_moments,
    present_moment,
    reason_of_unavailable,
    unreadable,
)
from webapp.inspection.progress import Busy, Checkpoint, Progress, matches, only_one, private_file, sync_folder
from webapp.rules.texts import counted

# One document in this collection means that a load is running or was killed, and lists what it created.
LOADING = "loading"
# Documents per batch, and of collections of bytes. By default the server sends 16 MB at a time, which takes three times
# as much processor time as batches of 4 MB.
READ, READ_BYTES = 250, 4
# File names may have 255 bytes; percent-encoding makes a collection's name up to three times as long.
_LONGEST_NAME = 200
_PARTIAL = ".partial"
# How much of a file of bytes has to be written again after an interruption.
CHECKPOINT_BYTES = 256_000_000
# The hashes of bytes are computed, and received and written, while others are turned into text.
_THREADS = 2

Report = Callable[[str], None]


class CannotDump(RuntimeError):
    """The dump cannot be written to this folder."""


def dump(database: Database[Any], folder: Path, report: Report, *, snapshot: bool = True) -> Manifest:
    """Write every collection of a database into a folder that does not exist yet, or is empty.

    The folder is called `.partial` until everything is on the disk; the next dump into it continues what is there. Only
    its owner can read it, because it contains everything in the database. With `snapshot`, all documents of a replica
    set are from the same moment; a standalone server has none. Collections that cannot be read at that moment are
    reported first, and read as they are by then. Raises CannotDump, OSError and PyMongoError.
    """
    if folder.name in ("", ".."):  # such as "." and "/", beside which nothing can be written
        raise CannotDump(f"name a new folder for the dump, not {folder}")
    partial_folder = folder.with_name(folder.name + _PARTIAL)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CannotDump(f"{folder} already exists")
    infos = _dumpable(database)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial_folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with only_one(partial_folder), without_time_limit():
            progress = Progress(partial_folder, _source(database, infos))
            if any(partial_folder.iterdir()) and not progress.is_continued:
                raise CannotDump(f"{partial_folder} exists, and is not a dump of this database; remove it")
            manifest = _dump_all(database, infos, partial_folder, progress, report, snapshot=snapshot)
            with private_file(partial_folder / MANIFEST, "wb") as file:
                file.write(manifest.as_text().encode())
            progress.remove()
            sync_folder(partial_folder)
            partial_folder.rename(folder)
            sync_folder(folder.parent)
    except Busy:
        raise CannotDump(f"another dump into {partial_folder} is running") from None
    except OperationFailure as error:
        if error.code == SNAPSHOT_TOO_OLD:
            _remove(partial_folder)  # nothing of it is of use to another moment
        raise
    return manifest


def _dumpable(database: Database[Any]) -> list[dict[str, Any]]:
    """Return what to dump, in order. Raises CannotDump if something cannot be dumped at all."""
    if database[LOADING].find_one({"_id": LOADING}):
        raise CannotDump(f"{database.name} is incomplete: a load into it has not finished")
    # What begins with "system." is created by the server itself.
    infos = [dict(info) for info in database.list_collections() if not info["name"].startswith("system.")]
    for info in infos:
        if info["type"] == "timeseries":
            raise CannotDump(f"{info['name']} is a time series, which MongoDB does not return byte for byte")
    return sorted(infos, key=lambda info: str(info["name"]))


def _source(database: Database[Any], infos: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what identifies a database, so that no dump is continued with the documents of another one."""
    # Some collections are replaced now and then, by others of the same name.
    lasting = {document_type._get_collection_name() for document_type in DOCUMENTS[:1]} | {"users", "files"}
    ids = {info["name"]: str(info["info"].get("uuid", "")) for info in infos if info["name"] in lasting}
    return {"database": database.name, "collections": ids}


def _dump_all(
    database: Database[Any],
    infos: list[dict[str, Any]],
    folder: Path,
    progress: Progress,
    report: Report,
    *,
    snapshot: bool,
) -> Manifest:
    collections = [info["name"] for info in infos if info["type"] != "view"]
    outside = _begin(database, collections, progress, report, snapshot=snapshot)
    for name, reason in outside.items():
        report(f"{name} is not of that moment, because {reason}: it is read as it is by then")
    writer = _Writer(database, folder, progress, outside)
    dumped: list[DumpedCollection] = []
    pool = ThreadPoolExecutor(_THREADS)
    try:
        # Bytes first: they take longest.
        order = sorted(enumerate(infos), key=lambda each: not _holds_bytes(each[1]["name"]))
        tasks = {info["name"]: pool.submit(writer.dump, number, info) for number, info in order}
        for info in infos:
            dumped.append(tasks[info["name"]].result())
            if (done := dumped[-1]).documents:
                report(f"{done.name}: {done.documents:,}{writer.notes.get(done.name, '')}")
    except BaseException:
        writer.is_stopped = True
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return Manifest(
        database=database.name,
        server=database.client.server_info()["version"],
        dumped_at=utc_now().isoformat(timespec="seconds"),
        is_snapshot=progress.moment is not None,
        collections=tuple(dumped),
        outside=tuple(sorted(outside)),
    )


def _begin(
    database: Database[Any], names: list[str], progress: Progress, report: Report, *, snapshot: bool
) -> dict[str, str]:
    """Choose a moment, or take up that of an interrupted dump; return which collections it cannot be of, and why."""
    wants_moment = snapshot and has_moments(database)
    if progress.is_continued and wants_moment == (progress.moment is not None):
        try:
            outside = unreadable(database, names, progress.moment) if progress.moment else {}
        except OperationFailure as error:
            if error.code != SNAPSHOT_TOO_OLD:
                raise
            report("MongoDB no longer keeps the moment of the interrupted dump: starting again")
        else:
            complete = counted(len(progress.finished), "complete collections")
            report(f"continuing an interrupted dump, which has {complete}")
            return outside
    moment = present_moment(database) if wants_moment else None
    progress.begin_anew(moment)
    return unreadable(database, names, moment) if moment else {}


def _holds_bytes(name: str) -> bool:
    """Tell whether a collection's documents are mostly bytes, which nobody could read as text either."""
    declared: Iterable[type[me.Document]] = DOCUMENTS
    return any(
        isinstance(field, me.BinaryField)
        for document_type in declared
        if document_type._get_collection_name() == name
        for field in document_type._fields.values()
    )


class _Stopped(RuntimeError):
    """Another collection could not be dumped."""


class _Writer:
    """Writes collections to their files; threads share it."""

    def __init__(self, database: Database[Any], folder: Path, progress: Progress, outside: dict[str, str]) -> None:
        self._database, self._folder, self._progress, self._outside = database, folder, progress, outside
        self.is_stopped = False
        self.notes: dict[str, str] = {}

    def dump(self, number: int, info: dict[str, Any]) -> DumpedCollection:
        """Write one collection, unless that is done."""
        name, options = info["name"], info.get("options", {})
        if info["type"] == "view":
            return DumpedCollection(name, options)
        if name in self._progress.finished:
            return self._progress.finished[name]
        stem = quote(name, safe="")
        stem = stem if len(stem) <= _LONGEST_NAME else f"{stem[:_LONGEST_NAME]}-{number}"
        with without_time_limit():
            try:
                moment = None if name in self._outside else self._progress.moment
                done = self._written(name, options, stem, moment)
            except OperationFailure as error:
                if error.code != SNAPSHOT_UNAVAILABLE:
                    raise
                # The site itself replaces the collections that searches read.
                self._outside[name] = reason_of_unavailable(error)
                self.notes[name] = f" (not of that moment: {self._outside[name]})"
                done = self._written(name, options, stem, None)
        self._progress.finish(done)
        return done

    def _written(self, name: str, options: dict[str, Any], stem: str, moment: Timestamp | None) -> DumpedCollection:
        write = self._write_bytes if _holds_bytes(name) else self._write_lines
        collection = self._database.get_collection(name, RAW, read_concern=AtMoment(moment) if moment else None)
        file, digest, sha256 = write(collection, stem)
        return DumpedCollection(
            name=name,
            options=options,
            file=file,
            documents=digest.documents,
            bytes=digest.bytes,
            digest=str(digest),
            sha256=sha256,
            indexes=tuple(dict(index) for index in self._database[name].list_indexes()),
        )

    def _write_lines(self, collection: Any, stem: str) -> tuple[str, Digest, str]:
        digest, sha256, in_base64 = Digest(), hashlib.sha256(), 0
        path = self._folder / f"{stem}{LINES}"
        with private_file(path, "wb") as file:
            for raw in self._documents(collection.find({}, batch_size=READ)):
                line = line_of(raw) + b"\n"
                digest.add(raw)
                sha256.update(line)
                in_base64 += is_in_base64(line)
                file.write(line)
        if in_base64:
            self.notes[collection.name] = self.notes.get(collection.name, "") + f" ({in_base64:,} in base64)"
        return path.name, digest, sha256.hexdigest()

    def _write_bytes(self, collection: Any, stem: str) -> tuple[str, Digest, str]:
        """Write BSON in the order of the ids, so that an interrupted file can be continued."""
        path = self._folder / f"{stem}{BINARY}"
        digest, sha256, last = self._read_again(collection.name, path)
        order = [("_id", 1)]
        found = collection.find({}, batch_size=READ_BYTES, sort=order, hint=order)
        if last is not None:
            found.min([("_id", last)])
        # Without a buffer, which costs four times as much as writing whole chunks.
        with private_file(path, "ab", buffering=0) as file:
            written = reached = file.tell()
            for raw in self._documents(found):
                if last is not None and _id_of(raw) == last:
                    continue  # `min` includes it
                digest.add(raw)
                sha256.update(raw)
                written += _write(file, raw)
                if written - reached >= CHECKPOINT_BYTES:
                    os.fsync(file.fileno())
                    self._progress.reach(collection.name, Checkpoint(written, sha256.hexdigest()))
                    reached = written
        return path.name, digest, sha256.hexdigest()

    def _read_again(self, name: str, path: Path) -> tuple[Digest, Any, Any]:
        """Return the digests of what is there of an interrupted file, and the last id; cut off what is not certain."""
        digest, sha256, last = Digest(), hashlib.sha256(), None
        checkpoint = self._progress.checkpoints.get(name)
        if not checkpoint or not matches(path, checkpoint):
            path.unlink(missing_ok=True)
            return digest, sha256, None
        os.truncate(path, checkpoint.size)
        for raw in documents_in(path):
            digest.add(raw)
            sha256.update(raw)
            last = _id_of(raw)
        return digest, sha256, last

    def _documents(self, found: Iterable[Any]) -> Iterator[bytes]:
        for document in found:
            if self.is_stopped:
                raise _Stopped
            yield bytes(document.raw)  # a larger one comes as a memoryview


def _write(file: Any, data: bytes) -> int:
    """Write all of it: without a buffer, a write may stop halfway, such as at 2 GB or when the disk is full."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    return len(data)


def _id_of(raw: bytes) -> Any:
    return RAW.document_class(raw, RAW)["_id"]


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
