"""What all documents share: reading them as plain dictionaries."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Any, TypeVar

import bson
import mongoengine as me
import pymongo
from bson import Code
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from flask_mongoengine.documents import BaseQuerySet
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError, WriteError
from pymongo.write_concern import WriteConcern

log = logging.getLogger(__name__)

Plain = dict[str, Any]
Reader = Callable[[Any], Any]
Item = TypeVar("Item")

A_DAY_S = 86_400
# How many times a claim is extended before it would end.
SIGNS = 4
AT_ONCE = WriteConcern(w=1)
# What MongoDB answers if a list is to be changed where there is none, and the operators that change lists.
_BAD_VALUE = 2
_OF_LISTS = ("$push", "$addToSet", "$pull")
# Like `_READ`, for the few fields that are read of a document in BSON.
RAW = CodecOptions(
    document_class=RawBSONDocument,
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)
# Like the connection: invalid UTF-8 and years past 9999 do not break pages.
_READ: CodecOptions[Plain] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of `size` items, the last one possibly shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def utc_now() -> datetime:
    """Return the current time as MongoDB stores it: aware, in UTC, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


# How far apart the clocks of a site's machines may be. A date that lies further ahead was written while one was wrong.
CLOCKS_DIFFER = timedelta(minutes=2)


def is_recent(when: datetime, age: timedelta) -> bool:
    """Tell whether a date is at most `age` ago. One that lies ahead is not: it would count until it is past."""
    return -CLOCKS_DIFFER <= utc_now() - when <= age


def recent(age: timedelta) -> Plain:
    """Return the filter for dates that are `is_recent`."""
    now = utc_now()
    return {"$gte": now - age, "$lte": now + CLOCKS_DIFFER}


def ahead(most: timedelta) -> Plain:
    """Return the filter for the end of a wait of `most` at the longest that is not over."""
    now = utc_now()
    return {"$gt": now, "$lte": now + most + CLOCKS_DIFFER}


def midnight(day: date) -> datetime:
    """Return when a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class ReadingQuerySet(BaseQuerySet):
    """A queryset that can return plain dictionaries.

    Pages read these: they cost a tenth of building mongoengine objects, and documents edited by hand cannot break them,
    because values of the wrong type are left out.
    """

    def plain(self) -> list[Plain]:
        """Return the documents as dictionaries of their declared fields; see `as_declared`.

        Documents whose `_id` has the wrong type have no address, so they are left out.
        """
        return self.as_plain(self._found())

    def _found(self) -> Any:
        # Faster than mongoengine's own way, which makes a new queryset and keeps what it has read.
        if self._none or self._empty:
            return ()
        found, self._cursor_obj = self._cursor, None
        return found

    def as_plain(self, sons: Iterable[Plain]) -> list[Plain]:
        """Return what `plain` makes of documents that were read through `raw`."""
        key = self._document._meta["id_field"]
        return [plain for son in sons if key in (plain := as_declared(self._document, son))]

    def raw(self, *, may_be_lost: bool = False) -> Collection[Plain]:
        """Return pymongo's collection, for atomic changes and projections. Filters of this queryset do not apply.

        Writes wait until a majority has them on its disks, unless they `may_be_lost`: a crash then takes those of the
        last moments. That is for what is made again by itself, and spares the wait.
        """
        collection: Collection[Plain] = self._collection
        return collection.with_options(write_concern=AT_ONCE) if may_be_lost else collection

    def claim(self, key: str, lifetime: timedelta, condition: Plain | None = None) -> bool:
        """Claim the work that a document stands for, and tell whether this process got it.

        Nobody else gets it until `claimed_until`, which the document must declare, or while `condition` does not hold.
        """
        free = {"_id": key, "claimed_until": {"$not": ahead(lifetime)}} | (condition or {})
        return self.upsert_if(free, {"$set": {"claimed_until": utc_now() + lifetime}})

    @contextmanager
    def keeping(self, key: str, lifetime: timedelta) -> Iterator[None]:
        """Keep a claim until the end of the block, however long that takes.

        If the process ends before, the claim ends after its lifetime. It is extended from a thread of its own, because
        a single step, such as an index of a large site, takes minutes.
        """
        done = threading.Event()

        def extend() -> None:
            while not done.wait(lifetime.total_seconds() / SIGNS):
                try:
                    claim = {"_id": key, "claimed_until": {"$ne": None}}
                    self.raw().update_one(claim, {"$set": {"claimed_until": utc_now() + lifetime}})
                except PyMongoError as error:  # if the database stays away, the work itself fails
                    log.warning("could not show that %s is still worked on: %s", key, error)

        alive = threading.Thread(target=extend, name=f"keeping {key}", daemon=True)
        alive.start()
        try:
            yield
        finally:
            done.set()
            alive.join()

    def upsert_if(self, condition: Plain, change: Plain, *, may_be_lost: bool = False) -> bool:
        """Change or replace the document with this `_id` if it meets the condition, or create it if there is none.

        Returns False if there is one that does not meet the condition.
        """
        collection = self.raw(may_be_lost=may_be_lost)
        write = collection.update_one if next(iter(change)).startswith("$") else collection.replace_one
        # One that another process creates at the same moment is an error too, whether it meets the condition or not.
        # So it is looked at once more, which MongoDB does by itself only for a condition of nothing but equalities.
        for _ in range(2):
            try:
                write(condition, change, upsert=True)
            except DuplicateKeyError:
                continue
            return True
        return False

    def change_lists(self, which: Plain, change: Plain) -> bool:
        """Change a document in one write that adds to lists or takes from them; False if none meets the condition.

        MongoDB refuses that where something else stands instead of a list, as an edit by hand may have left it. That
        counts as absent, so it is removed then.
        """
        try:
            return bool(self.raw().update_one(which, change).matched_count)
        except WriteError as error:
            if error.code != _BAD_VALUE:
                raise
        self.mend_lists(which, change)
        return bool(self.raw().update_one(which, change).matched_count)

    def mend_lists(self, which: Plain, change: Plain) -> None:
        """Remove anything that stands in place of a list that a change is about to add to or take from."""
        for path in [path for operator in _OF_LISTS for path in change.get(operator, ())]:
            self.raw().update_one(_with_no_list(which, path), {"$unset": {path: ""}})

    def count_up_to(self, most: int) -> int:
        """Return how many there are, at most `most`.

        Without a filter MongoDB knows the number without counting. But after it was killed that may be 0 although there
        are many, so numbers below `most` are counted in the index, which takes 6 ms for 10,000.
        """
        if not self._query:
            if self._collection.estimated_document_count() >= most:
                return most
            return int(self._collection.count_documents({}, limit=most, hint=[("_id", 1)]))
        counted: int = self.limit(most).count(with_limit_and_skip=True)
        return counted

    def plain_first(self) -> Plain | None:
        """Return the first document as a dictionary, or None."""
        return next(iter(self.as_plain(self._found().limit(1))), None)

    def plain_one(self, key: Any, wanted: Plain | None = None) -> Plain | None:
        """Return the document with this key as a dictionary, or None; of its fields those that are `wanted`.

        Filters of this queryset do not apply. It takes half as long as a queryset that is made for it.
        """
        return as_declared(self._document, self._collection.find_one({"_id": key}, wanted)) or None

    def raw_first(self) -> bytes | None:
        """Return the first document in BSON, as the server sent it, or None. `declared` decodes it."""
        wanted = self._cursor_args.get("projection")
        return self._as_sent(lambda collection: collection.find_one(self._query, wanted))

    def raw_parts(self, key: Any, fields: Iterable[str]) -> bytes | None:
        """Return these fields of the document with this key in BSON, or None.

        Filters of this queryset do not apply. It takes half as long as a queryset that is made for it.
        """
        wanted = dict.fromkeys(fields, 1)
        return self._as_sent(lambda collection: collection.find_one({"_id": key}, wanted))

    def raw_result(self, stages: list[Plain]) -> bytes | None:
        """Return the first result of an aggregation in BSON, as the server sent it, or None. `decoded` decodes it."""
        return self._as_sent(lambda collection: next(iter(collection.aggregate(stages)), None))

    def _as_sent(self, ask: Callable[[Any], Any]) -> bytes | None:
        try:
            found = ask(self._collection.with_options(codec_options=RAW))
        except NotImplementedError:  # mongomock
            found = ask(self._collection)
            return None if found is None else bson.encode(found)
        # pymongo returns larger documents as a memoryview, which cannot be concatenated with bytes.
        return None if found is None else bytes(found.raw)

    def declared_with(self, condition: Plain) -> Any:
        """Return the first document that meets a condition, as `declared_first` does.

        Filters of this queryset do not apply. It takes half as long as a queryset that is made for it.
        """
        plain = next(iter(self.as_plain(self.raw().find(condition).limit(1))), None)
        return None if plain is None else self._document(**plain)

    def declared_first(self) -> Any:
        """Return the first document as an object of its class, reduced to valid fields, or None."""
        plain = self.plain_first()
        return None if plain is None else self._document(**plain)


def _with_no_list(which: Plain, path: str) -> Plain:
    """Return the condition for documents with something other than a list at this path.

    The path may lead into a matched element: "files.$.x".
    """
    listed, _, inner = path.partition(".$.")
    is_no_list = {"$exists": True, "$not": {"$type": "array"}}
    if inner:
        return which | {listed: {"$elemMatch": which[listed]["$elemMatch"] | {inner: is_no_list}}}
    return {"$and": [which, {path: is_no_list}]}


def declared(document_type: type[me.base.BaseDocument], raw: bytes) -> Plain:
    """Return the fields of a BSON document that have the declared type; see `as_declared`."""
    return as_declared(document_type, decoded(raw))


def declared_apart(document_type: type[me.Document], raw: bytes, field: str) -> tuple[Plain, list[bytes]]:
    """Return the declared fields of a BSON document without a list of documents, and these in BSON."""
    son = dict(bson.decode(raw, RAW))
    listed = son.pop(field, None)
    documents = listed if isinstance(listed, list) else []
    found = [bytes(each.raw) for each in documents if isinstance(each, RawBSONDocument)]
    return declared(document_type, bson.encode(son)), found


def decoded(raw: bytes) -> Plain:
    """Return a BSON document as it is."""
    return bson.decode(raw, _READ)


def as_declared(document_type: type[me.base.BaseDocument], son: Any) -> Plain:
    """Return the fields of a raw document that have the declared type, under the names of the class's attributes.

    Fields that are missing or have another type are absent; list elements of another type are left out.
    """
    if not isinstance(son, dict):
        return {}
    fields = _fields_of(document_type)  # type: ignore[arg-type]
    plain: Plain = {}
    for key, value in son.items():
        if key in fields:
            name, usual_type, read = fields[key]
            # Calling a reader takes as long as all else that is done for a field.
            if type(value) is usual_type or (value := read(value)) is not None:
                plain[name] = value
    return plain


@cache
def _fields_of(document_type: type[me.base.BaseDocument]) -> dict[str, tuple[str, type | None, Reader]]:
    """Return by key: the attribute, the type of the values that its reader leaves unchanged if there is one, and it."""
    return {
        field.db_field: (name, next((usual for of, usual in _USUAL if isinstance(field, of)), None), _reader(field))
        for name, field in document_type._fields.items()
    }


_USUAL: list[tuple[type[me.base.BaseField], type]] = [
    (me.StringField, str),
    (me.BooleanField, bool),
    (me.IntField, int),
    (me.FloatField, float),
    (me.DateTimeField, datetime),
]


def _reader(field: me.base.BaseField) -> Reader:
    """Return a function that returns a value of this field's type unchanged, and None for any other value."""
    match field:
        case me.StringField():
            return _text
        case me.BooleanField():
            return lambda value: value if isinstance(value, bool) else None
        case me.IntField():  # LongField too
            return _whole_number
        case me.FloatField():
            return lambda value: value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case me.DateTimeField():
            return lambda value: value if isinstance(value, datetime) else None
        case me.EmbeddedDocumentField():
            kind = field.document_type
            return lambda value: as_declared(kind, value) if isinstance(value, dict) else None
        case me.MapField() | me.DictField():
            return _texts_by_key if field.field else lambda value: value if isinstance(value, dict) else None
        case me.ListField():
            return partial(_list, _reader(field.field))
        case me.ObjectIdField():
            return lambda value: value if isinstance(value, bson.ObjectId) else None
        case me.BinaryField():
            return lambda value: value if isinstance(value, bytes) else None
    raise TypeError(f"no rule for reading a {type(field).__name__}")


def _text(value: Any) -> str | None:
    # Code is BSON's type for JavaScript, and a subclass.
    return value if isinstance(value, str) and not isinstance(value, Code) else None


def _whole_number(value: Any) -> int | None:
    # Old shells write every number as a double.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts_by_key(value: Any) -> Plain | None:
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else None


def _list(read: Reader, value: Any) -> list[Any] | None:
    if not isinstance(value, list):
        return None
    return [found for item in value if (found := read(item)) is not None and found != {}]


def without_time_limit() -> AbstractContextManager[Any]:
    """Let operations take a day instead of the few seconds of a request.

    `pymongo.timeout(None)` does not help: it leaves the client's own limit in force (pymongo 4.20).
    """
    return pymongo.timeout(A_DAY_S)
