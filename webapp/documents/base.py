"""What all documents share: how they are read into pages, and how their indexes are built."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import bson
import mongoengine as me
import pymongo
from bson import Code
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from flask_mongoengine.documents import BaseQuerySet

Plain = dict[str, Any]

A_DAY_S = 86_400
_RAW = CodecOptions(document_class=RawBSONDocument)
_AWARE: CodecOptions[Plain] = CodecOptions(tz_aware=True)


def utc_now() -> datetime:
    """Return the time as MongoDB keeps it: aware, in UTC, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class ReadingQuerySet(BaseQuerySet):
    """A queryset that can give plain dictionaries.

    Pages read these: they cost a tenth of building mongoengine objects, and a document that somebody edited by hand
    cannot break them, because whatever is not of its declared type is left out.
    """

    def plain(self) -> list[Plain]:
        """Return the documents as dictionaries of their declared fields; see `as_declared`.

        A document whose `_id` is of another type has no address, so it is left out.
        """
        key = self._document._meta["id_field"]
        return [plain for son in self.as_pymongo() if key in (plain := as_declared(self._document, son))]

    def count_up_to(self, most: int) -> int:
        """Return how many there are, `most` if there are more. Without a condition MongoDB knows without counting."""
        if not self._query:
            return min(most, int(self._collection.estimated_document_count()))
        counted: int = self.limit(most).count(with_limit_and_skip=True)
        return counted

    def plain_first(self) -> Plain | None:
        """Return the first document as a dictionary, or None."""
        return next(iter(self.limit(1).plain()), None)

    def raw_first(self) -> bytes | None:
        """Return the first document in BSON, as the server sent it, or None; `declared` reads it."""
        wanted = self._cursor_args.get("projection")
        try:
            found = self._collection.with_options(codec_options=_RAW).find_one(self._query, wanted)
        except NotImplementedError:  # mongomock
            found = self._collection.find_one(self._query, wanted)
            return None if found is None else bson.encode(found)
        return None if found is None else found.raw

    def declared_first(self) -> Any:
        """Return the first document as an object of its class, whatever somebody edited by hand, or None."""
        plain = self.plain_first()
        return None if plain is None else self._document(**plain)


def declared(document_type: type[me.Document], raw: bytes) -> Plain:
    """Return what of a document in BSON has its declared type; see `as_declared`."""
    return as_declared(document_type, bson.decode(raw, _AWARE))


def as_declared(document_type: type[me.base.BaseDocument], son: Any) -> Plain:
    """Return what of a raw document has its declared type, under the names of the class's fields.

    A field that is missing or of another type is absent; an element of another type is left out of its list.
    """
    if not isinstance(son, dict):
        return {}
    plain: Plain = {}
    for name, field in document_type._fields.items():
        if field.db_field in son:
            value = _declared_value(field, son[field.db_field])
            if value is not None:
                plain[name] = value
    return plain


def _declared_value(field: me.base.BaseField, value: Any) -> Any:
    match field:
        case me.StringField():
            # Code is BSON's type for JavaScript, and a subclass.
            return value if isinstance(value, str) and not isinstance(value, Code) else None
        case me.BooleanField():
            return value if isinstance(value, bool) else None
        case me.IntField():  # LongField too
            # Old shells write every number as a double.
            if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
                return int(value)
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case me.DateTimeField():
            return value if isinstance(value, datetime) else None
        case me.EmbeddedDocumentField():
            return as_declared(field.document_type, value) if isinstance(value, dict) else None
        case me.MapField() | me.DictField():
            if not isinstance(value, dict):
                return None
            return {key: text for key, text in value.items() if isinstance(text, str)} if field.field else value
        case me.ListField():
            if not isinstance(value, list):
                return None
            items = (_declared_value(field.field, item) for item in value)
            return [item for item in items if item is not None and item != {}]
        case me.ObjectIdField():
            return value if isinstance(value, me.fields.ObjectId) else None
    raise TypeError(f"no rule for reading a {type(field).__name__}")


def unhurried() -> AbstractContextManager[Any]:
    """Let operations take a day, not the few seconds that a request's may.

    `pymongo.timeout(None)` would not: it leaves the client's own limit in force (pymongo 4.20).
    """
    return pymongo.timeout(A_DAY_S)


def ensure_indexes(document_types: Iterable[type[me.Document]]) -> None:
    """Build every index that the documents declare; those that stand already are left alone.

    An index over millions of documents takes longer than a request may.
    """
    with unhurried():
        for document_type in document_types:
            document_type.ensure_indexes()
