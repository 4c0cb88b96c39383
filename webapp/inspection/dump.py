"""Dump the whole database to a folder, with one file of Extended JSON lines per collection."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database

from webapp.documents.base import utc_now
from webapp.inspection.extended_json import RAW, Digest, is_in_base64, line_of
from webapp.inspection.manifest import MANIFEST, DumpedCollection, Manifest

# One document in this collection means that a load is running or was killed, and lists what it created.
LOADING = "loading"
# Documents per batch; by default the server sends 16 MB at a time.
READ = 250
# File names may have 255 bytes; percent-encoding makes a collection's name up to three times as long.
_LONGEST_NAME = 200
_PARTIAL = ".partial"


class CannotDump(RuntimeError):
    """The dump cannot be written to this folder."""


def dump(database: Database[Any], folder: Path, report: Callable[[str], None], *, snapshot: bool = True) -> Manifest:
    """Write every collection of a database into a folder that does not exist yet, or is empty.

    The folder is called `.partial` until everything is on the disk. Only its owner can read it, because it contains
    everything in the database. With `snapshot`, all documents of a replica set are from the same moment; a standalone
    server has no snapshots. Raises CannotDump, OSError and PyMongoError.
    """
    partial = folder.with_name(folder.name + _PARTIAL)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CannotDump(f"{folder} already exists")
    if database[LOADING].find_one({"_id": LOADING}):
        raise CannotDump(f"{database.name} is incomplete: a load into it has not finished")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
    except FileExistsError:
        raise CannotDump(f"{partial} exists: another dump is running, or was interrupted (then remove it)") from None
    try:
        # A collection takes longer than a request may.
        with pymongo.timeout(0), _session(database, snapshot=snapshot) as session:
            manifest = Manifest(
                database=database.name,
                server=database.client.server_info()["version"],
                dumped_at=utc_now().isoformat(timespec="seconds"),
                is_snapshot=session is not None,
                collections=tuple(_dump_all(database, partial, report, session)),
            )
        with _private_file(partial / MANIFEST) as file:
            file.write(manifest.as_text().encode())
        _sync_folder(partial)
        partial.rename(folder)
        _sync_folder(folder.parent)
    except BaseException:  # including Ctrl-C: leave nothing half done
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


@contextlib.contextmanager
def _session(database: Database[Any], *, snapshot: bool) -> Iterator[ClientSession | None]:
    """Yield a session in which every read sees the same moment, or None if the server has no snapshots."""
    hello = database.client.admin.command("hello")
    if snapshot and ("setName" in hello or hello.get("msg") == "isdbgrid"):
        with database.client.start_session(snapshot=True) as session:
            yield session
    else:
        yield None


def _dump_all(
    database: Database[Any], folder: Path, report: Callable[[str], None], session: ClientSession | None
) -> Iterator[DumpedCollection]:
    infos = sorted(database.list_collections(), key=lambda info: str(info["name"]))
    for number, info in enumerate(infos):
        name, options = info["name"], info.get("options", {})
        if name.startswith("system."):
            continue  # created by the server itself
        if info["type"] == "timeseries":
            raise CannotDump(f"{name} is a time series, which MongoDB does not return byte for byte")
        if info["type"] == "view":
            yield DumpedCollection(name, options)
            continue
        file = quote(name, safe="")
        if len(file) > _LONGEST_NAME:
            file = f"{file[:_LONGEST_NAME]}-{number}"
        yield _dump_one(database, folder / f"{file}.jsonl", name, options, report, session)


def _dump_one(
    database: Database[Any],
    path: Path,
    name: str,
    options: dict[str, Any],
    report: Callable[[str], None],
    session: ClientSession | None,
) -> DumpedCollection:
    digest, sha256, in_base64 = Digest(), hashlib.sha256(), 0
    with _private_file(path) as file:
        for document in database.get_collection(name, RAW).find({}, batch_size=READ, session=session):
            raw = bytes(document.raw)  # a larger one comes as a memoryview
            line = line_of(raw) + b"\n"
            digest.add(raw)
            sha256.update(line)
            in_base64 += is_in_base64(line)
            file.write(line)
    note = f" ({in_base64:,} in base64)" if in_base64 else ""
    if digest.documents:
        report(f"{name}: {digest.documents:,}{note}")
    return DumpedCollection(
        name=name,
        options=options,
        file=path.name,
        documents=digest.documents,
        bytes=digest.bytes,
        digest=str(digest),
        sha256=sha256.hexdigest(),
        indexes=tuple(dict(index) for index in database[name].list_indexes()),
    )


@contextlib.contextmanager
def _private_file(path: Path) -> Iterator[Any]:
    """Open a new file that only its owner can read, and sync it to the disk at the end."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
