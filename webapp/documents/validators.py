"""Rules that MongoDB itself keeps: an edit by hand that would leave a page without what it shows is refused.

They are made from the documents' own fields and ask for types alone, and for what is required. What somebody adds
beside the declared fields stays their own.
"""

import contextlib
import logging
from collections.abc import Iterable
from typing import Any

import mongoengine as me
import pymongo
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from webapp.documents.base import Plain

log = logging.getLogger(__name__)

_UNAUTHORIZED = 13
# What each kind of field takes, and how that is called. Old shells write every number as a double.
_SIMPLE: tuple[tuple[type[me.base.BaseField], tuple[str, ...], str], ...] = (
    (me.StringField, ("string",), "text"),
    (me.BooleanField, ("bool",), "true or false"),
    (me.IntField, ("int", "long", "double"), "a whole number"),
    (me.FloatField, ("int", "long", "double"), "a number"),
    (me.DateTimeField, ("date",), "a date"),
    (me.ObjectIdField, ("objectId",), "an ObjectId"),
    (me.BinaryField, ("binData",), "binary"),
)


def validator_of(document_type: type[me.Document]) -> Plain:
    """Return the rule of a collection, as `collMod` takes it."""
    return {"$jsonSchema": {"title": document_type.__name__} | schema_of(document_type)}


def schema_of(document_type: type[me.base.BaseDocument]) -> Plain:
    """Return the JSON schema of a document, or of one that is embedded.

    Source of its words: https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/
    """
    fields = document_type._fields.values()
    required = [field.db_field for field in fields if _is_required(field)]
    schema: Plain = {"bsonType": "object", "properties": {field.db_field: _field_schema(field) for field in fields}}
    return schema | ({"required": required} if required else {})


def _is_required(field: me.base.BaseField) -> bool:
    return bool(field.required or field.primary_key)


def _field_schema(field: me.base.BaseField) -> Plain:
    """Return the schema of one field. Null is as good as absent, unless the field is required."""
    types: tuple[str, ...]
    more: Plain = {}
    match field:
        case me.EmbeddedDocumentField():
            types, words, more = ("object",), "an object", schema_of(field.document_type)
        case me.DictField():
            types, words = ("object",), "an object"
            if field.field:
                more = {"additionalProperties": _field_schema(field.field)}
        case me.ListField():
            types, words = ("array",), "a list"
            if field.field:
                more = {"items": _field_schema(field.field)}
        case _:
            known = [(types, words) for field_type, types, words in _SIMPLE if isinstance(field, field_type)]
            if not known:
                return {}
            types, words = known[0]
    is_element = field.db_field is None
    allowed = types if _is_required(field) or is_element else (*types, "null")
    article = "each element" if is_element else field.db_field
    return more | {"bsonType": list(allowed), "description": f"{article} must be {words}"}


def ensure_validators(database: Database[Any], document_types: Iterable[type[me.Document]]) -> None:
    """Give every document's collection its rule; one that has it already is left alone.

    Documents that broke the rule before stay, and may be changed (`validationLevel: "moderate"`). An account that may
    not set rules (it needs `dbAdmin` on the database) is told so in the log: the site works without them.
    """
    if not isinstance(database, Database):
        return  # mongomock keeps no rules
    standing = {info["name"]: info.get("options", {}) for info in database.list_collections()}
    for document_type in document_types:
        name = document_type._get_collection_name()
        if name not in standing:
            with contextlib.suppress(CollectionInvalid):  # another process was faster
                database.create_collection(name)
        if standing.get(name, {}).get("validator") != validator_of(document_type):
            set_validator(database[name], validator_of(document_type))


def set_validator(collection: Collection[Any], validator: Plain) -> None:
    """Give a collection its rule."""
    options = {"validator": validator, "validationLevel": "moderate", "validationAction": "error"}
    try:
        with pymongo.timeout(0):
            collection.database.command({"collMod": collection.name, **options})
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        log.warning("%s has no rules against slips: the database account may not set them", collection.name)
