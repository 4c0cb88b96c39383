"""Validators that MongoDB applies, so that manual edits cannot remove what pages need.

They are made from the declared fields and check only types and required fields. Other fields are allowed.
"""

import logging
from collections.abc import Iterable
from typing import Any

import mongoengine as me
import pymongo
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from webapp.documents.base import Plain

log = logging.getLogger(__name__)

_UNAUTHORIZED, _EXISTS = 13, 48
# The BSON types of each kind of field, and their description. Old shells write every number as a double.
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
    """Return the validator of a collection, as `collMod` takes it."""
    return {"$jsonSchema": {"title": document_type.__name__} | schema_of(document_type)}


def schema_of(document_type: type[me.base.BaseDocument]) -> Plain:
    """Return the JSON schema of a document or an embedded document.

    Source of the keywords: https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/
    """
    fields = document_type._fields.values()
    required = [field.db_field for field in fields if _is_required(field)]
    schema: Plain = {"bsonType": "object", "properties": {field.db_field: _field_schema(field) for field in fields}}
    return schema | ({"required": required} if required else {})


def _is_required(field: me.base.BaseField) -> bool:
    return bool(field.required or field.primary_key)


def _field_schema(field: me.base.BaseField) -> Plain:
    """Return the schema of one field. Null counts as absent, unless the field is required or a list.

    MongoDB adds to an absent list, but not to null: a member whose `sessions` are null could not sign in.
    """
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
    is_never_null = _is_required(field) or is_element or isinstance(field, me.ListField)
    allowed = types if is_never_null else (*types, "null")
    article = "each element" if is_element else field.db_field
    return more | {"bsonType": list(allowed), "description": f"{article} must be {words}"}


def ensure_validators(database: Database[Any], document_types: Iterable[type[me.Document]]) -> None:
    """Set the validator of every document's collection, unless it is already set.

    Documents that broke the rules before stay, and may be changed (`validationLevel: "moderate"`). If the account may
    not set validators (it needs `dbAdmin` on the database), the log says so, and the site works without them.
    """
    if not isinstance(database, Database):
        return  # mongomock has no validators
    standing = {info["name"]: info.get("options", {}) for info in database.list_collections()}
    for document_type in document_types:
        name = document_type._get_collection_name()
        if name not in standing:
            try:
                database.create_collection(name, check_exists=False)
            except OperationFailure as error:
                if error.code != _EXISTS:  # another process was faster
                    raise
        if standing.get(name, {}).get("validator") != validator_of(document_type):
            set_validator(database[name], validator_of(document_type))


def set_validator(collection: Collection[Any], validator: Plain) -> None:
    """Set the validator of a collection."""
    options = {"validator": validator, "validationLevel": "moderate", "validationAction": "error"}
    try:
        with pymongo.timeout(0):
            collection.database.command({"collMod": collection.name, **options})
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        log.warning("%s has no validation rules: the database account may not set them", collection.name)
