"""The MongoDB that documents are written to: patient writes, fingerprints, staging names, indexes, statistics."""

import contextlib
import hashlib
import os
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

import bson
import mongoengine
import pymongo
from bson.codec_options import DatetimeConversion
from bson.raw_bson import RawBSONDocument
from flask import current_app, has_app_context
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from config import BadConfig, config_from_environment
from migrations_sql_to_mongo.errors import CannotStart, Stopped, mask, one_line, refuse_unescaped, without_details
from webapp.changes import site_stats
from webapp.documents import (
    AuditEvent,
    Download,
    DownloadCount,
    KnownName,
    License,
    Package,
    ProgrammingLanguage,
    ReleaseDescription,
    ReleaseFacts,
    SearchEntry,
    SiteStats,
    StoredFile,
    User,
)
from webapp.documents.base import RAW
from webapp.documents.validators import set_validator, validator_of
from webapp.mongodb import embedded
from webapp.mongodb.mongod_programs import MongodError

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

DOCUMENTS: dict[str, Any] = {
    "licenses": License,
    "languages": ProgrammingLanguage,
    "users": User,
    "packages": Package,
    "downloads": Download,
    "auditing": AuditEvent,
}
DEFAULT_DATABASE = "larder"
SELECT_MS = 5_000
FAST = pymongo.WriteConcern(w=1)
READ = 250  # documents at a time
# A replica set elects a new primary in about 12 s; restarting a server takes a little longer.
PATIENCE_S = float(os.environ.get("MIGRATE_PATIENCE_S", "60"))
_UNAUTHORIZED = 13
DUPLICATE_KEY = 11000
# Errors of a server that stops, steps down or starts. Source: MongoDB's "retryable" error codes.
_TRANSIENT = frozenset({6, 7, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
_NO_SPACE = 14031
_READ: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


class Target:
    """The database that the site reads. Every write waits until a majority has it in its journal."""

    def __init__(self, client: Any, database: str, shown: str, alias: str | None) -> None:
        self.client = client
        self.shown = shown  # without a password
        self.alias = alias  # of the connection in mongoengine; mongomock has none of its own
        self.is_mock = alias is None
        self.db = client[database]
        if not self.is_mock:
            self.db = self.db.with_options(write_concern=pymongo.WriteConcern(w="majority", j=True))
        self.patience_s = PATIENCE_S

    def patiently(
        self, action: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        """Do something that may be repeated, and wait for a server that is away. Raises Stopped if it stays away."""
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                return action(*args, **options)
            except PyMongoError as error:
                if not _is_transient(error):
                    raise Stopped(self.explain(error)) from error
                if time.monotonic() > deadline:
                    raise Stopped(
                        f"the server {self.shown} has been away for {self.patience_s:.0f} s "
                        f"({without_details(error)}); "
                        "the same command again goes on from here"
                    ) from error
            time.sleep(0.25)

    def first_write(self, action: Callable[[], Result]) -> Result:
        """Do what shows whether this account may write. Raises CannotStart, and DuplicateKeyError unchanged."""
        try:
            return action()
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            raise CannotStart(self.explain(error)) from error

    def explain(self, error: PyMongoError) -> str:
        """Return what went wrong, on one line."""
        if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
            return f"the account may not write to {self.shown}: {without_details(error)}"
        if "No space left on device" in str(error) or getattr(error, "code", None) == _NO_SPACE:
            why = without_details(error)
            return f"the disk of {self.shown} is full ({why}); make room, and repeat the command to continue"
        return f"{self.shown}: {without_details(error)}"

    def insert(self, collection: str, documents: list[bytes]) -> None:
        """Write encoded documents. What an interrupted attempt has already written is overwritten with the same."""
        if self.is_mock:
            for document in documents:
                fields = bson.decode(document)
                self.db[collection].replace_one({"_id": fields["_id"]}, fields, upsert=True)
            return
        wrapped = [raw(document) for document in documents]

        def attempt() -> None:
            try:
                self.db[collection].insert_many(wrapped, ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                errors = details.get("writeErrors", [])
                if details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in errors):
                    raise
                for one in errors:
                    number = one["index"]
                    self.db[collection].replace_one({"_id": bson_id(documents[number])}, wrapped[number], upsert=True)

        self.patiently(attempt)

    def without_waiting(self, collection: str) -> Any:
        """Return a collection whose writes do not wait for the journal or a majority."""
        return self.db[collection] if self.is_mock else self.db[collection].with_options(write_concern=FAST)

    def raw_documents(self, collection: str, query: dict[str, Any] | None = None) -> Iterator[bytes]:
        """Yield the documents of a collection as BSON, in no particular order."""
        documents: Any = self.db[collection]
        if not self.is_mock:
            documents = documents.with_options(codec_options=RAW)
        # Otherwise the server sends 16 MB at a time.
        for document in documents.find(query or {}, batch_size=READ):
            yield bson.encode(document) if self.is_mock else bytes(document.raw)

    def fingerprint(self, collection: str) -> dict[str, Any]:
        """Return the number of documents and a digest of them all, which does not depend on their order."""
        found = Fingerprint()
        for document in self.raw_documents(collection):
            found.add(document)
        return found.as_dict()

    def has(self, collection: str) -> bool:
        """Tell whether a collection exists."""
        return collection in self.db.list_collection_names()

    def ensure_indexes(self, collection: str, staging: str) -> None:
        """Build the indexes of a collection's documents on its staging collection, and set its rule.

        All indexes in one command, so that the server reads the documents once: mongoengine builds one after the
        other, which takes half as long again.
        """
        background = DOCUMENTS[collection]._meta.get("index_background", False)
        indexes = [
            pymongo.IndexModel(
                spec["fields"], background=background, **{k: v for k, v in spec.items() if k != "fields"}
            )
            for spec in DOCUMENTS[collection]._meta["index_specs"]
        ]
        if self.is_mock:
            # mongomock treats a partial unique index as one over all documents, including those without the field.
            indexes = [index for index in indexes if "partialFilterExpression" not in index.document]
        if indexes:
            self.db[staging].create_indexes(indexes)
        if not self.is_mock and self.has(staging):
            # After the copy, which checks every document by itself, and before the swap, which keeps the rule.
            set_validator(self.db[staging], validator_of(DOCUMENTS[collection]))

    def forget_search_entries(self, ids: Sequence[Any]) -> None:
        """Remove the search entries of these packages; within a minute the site rebuilds them."""
        for start in range(0, len(ids), READ):
            self.db[SearchEntry._meta["collection"]].delete_many({"_id": {"$in": ids[start : start + READ]}})

    def refresh_stats(self) -> None:
        """Recompute the site's statistics."""
        # Computing them may take minutes, so it would wait that long for a server that is away.
        self.client.admin.command("ping")
        asked = (
            *(SiteStats, Package, SearchEntry, KnownName, User, Download, DownloadCount),
            *(StoredFile, ReleaseFacts, ReleaseDescription),
        )
        with self._documents({each: each._meta["collection"] for each in asked}):
            # There may be other downloads, of the same number as those that were added up before.
            SiteStats.objects(pk="site").update(unset__moved_downloads=True)
            site_stats.refresh()

    @contextlib.contextmanager
    def _documents(self, collections: dict[Any, str]) -> Iterator[None]:
        """Let documents ask these collections of this database.

        mongoengine's own switch_db wants a default connection, which this command may be without.
        """
        before = [(each, each._collection, dict(each._meta)) for each in collections]
        try:
            for document_type, collection in collections.items():
                document_type._collection = None
                document_type._meta["collection"] = collection
                if not self.is_mock:
                    document_type._meta["db_alias"] = self.alias
            yield
        finally:
            for document_type, found, meta in before:
                document_type._collection = found
                document_type._meta.clear()
                document_type._meta.update(meta)

    def close(self) -> None:
        """Disconnect."""
        if self.alias:
            mongoengine.disconnect(self.alias)


class Fingerprint:
    """Sums up documents. The sum of their digests does not depend on their order."""

    def __init__(self) -> None:
        self.documents = 0
        self._sum = 0

    def add(self, document: bytes) -> bytes:
        """Add one document's BSON, and return its digest."""
        digest = hashlib.blake2b(document, digest_size=16).digest()
        self.documents += 1
        self._sum += int.from_bytes(digest, "big")
        return digest

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Return the fingerprint from which `as_dict` was made."""
        found = cls()
        found.documents, found._sum = kept["documents"], int(kept["digest"], 16)
        return found

    def replaced(self, before: bytes | None, after: bytes | None) -> dict[str, Any]:
        """Return the fingerprint after replacing one document by another, for the ledger."""
        for document, sign in ((before, -1), (after, 1)):
            if document is not None:
                one = Fingerprint()
                one.add(document)
                self.documents += sign
                self._sum += sign * one._sum
        return self.as_dict()

    def as_dict(self) -> dict[str, Any]:
        """Return it for the ledger."""
        return {"documents": self.documents, "digest": f"{self._sum % 2**128:032x}"}


def open_target(uri: str | None) -> Target:
    """Connect to the database at `uri`, otherwise to the site's own, which may be the embedded one.

    Raises CannotStart.
    """
    if uri is None and has_app_context():
        uri = current_app.config["MONGODB_SETTINGS"]["host"]
        if "mongo_client_class" in current_app.config["MONGODB_SETTINGS"]:
            database = mongoengine.get_db()
            return Target(database.client, database.name, "mongomock", None)
    if uri is None:
        try:
            config = config_from_environment()
            uri = config.MONGODB_URI or embedded.acquire(Path(config.MONGODB_DIR))
        except (BadConfig, MongodError) as error:
            raise CannotStart(one_line(error)) from None
    refuse_unescaped(uri, "the target")
    shown, alias = mask(uri), f"migration-{uuid.uuid4().hex}"
    try:
        client: pymongo.MongoClient[Any] = mongoengine.connect(
            alias=alias,
            host=uri,
            tz_aware=True,
            serverSelectionTimeoutMS=SELECT_MS,
            uuidRepresentation="standard",
            appname="larder-migration",
        )
        database = client.get_default_database(DEFAULT_DATABASE).name
        client.admin.command("ping")
    except (InvalidURI, ConfigurationError, ValueError, mongoengine.ConnectionFailure) as error:
        mongoengine.disconnect(alias)
        # pymongo's message may repeat what it took for a port, which was a part of the password.
        why = "in a user name or a password write %40 for @, %3A for : and %2F for /"
        if "@" not in uri and "***" not in shown:
            why = one_line(error)
        raise CannotStart(f"the target {shown} is not a MongoDB address: {why}") from None
    except ConnectionFailure as error:
        mongoengine.disconnect(alias)
        raise CannotStart(f"the target {shown} does not answer: {without_details(error)}") from None
    except OperationFailure as error:
        mongoengine.disconnect(alias)
        raise CannotStart(f"the target {shown} refuses: {without_details(error)}") from None
    return Target(client, database, shown, alias)


def bson_id(document: bytes) -> Any:
    """Return the `_id` of an encoded document; MongoDB puts it first. Source: bsonspec.org."""
    if document[5:9] == b"_id\0":
        if document[4] == 2:
            return document[13 : 12 + struct.unpack_from("<i", document, 9)[0]].decode()
        if document[4] == 7:
            return bson.ObjectId(document[9:21])
    return decoded(document)["_id"]


def raw(document: bytes) -> RawBSONDocument:
    """Return an encoded document as pymongo takes it, which looks into it; see `decoded`."""
    return RawBSONDocument(document, RAW)


def decoded(document: bytes) -> dict[str, Any]:
    """Decode a document that anybody may have edited. Years past 9999 and invalid UTF-8 are not errors."""
    return bson.decode(document, _READ)


def _is_transient(error: PyMongoError) -> bool:
    if isinstance(error, ConnectionFailure) or error.has_error_label("RetryableWriteError"):
        return True
    if isinstance(error, BulkWriteError):
        details = error.details or {}
        problems = [*details.get("writeErrors", []), *details.get("writeConcernErrors", [])]
        return any(one.get("code") in _TRANSIENT for one in problems)
    return isinstance(error, OperationFailure) and error.code in _TRANSIENT
