"""Where documents do not match the schema of their collection."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import bson
from bson.datetime_ms import DatetimeMS

from webapp.documents.base import Plain

# BSON's names for the driver's types; subclasses come first.
_NAMES: tuple[tuple[type, str], ...] = (
    (bson.Code, "javascript"),
    (str, "string"),
    (bool, "bool"),
    (bson.Int64, "long"),
    (int, "int"),
    (float, "double"),
    (datetime, "date"),
    (DatetimeMS, "date"),
    (bson.ObjectId, "objectId"),
    (bytes, "binData"),
    (dict, "object"),
    (list, "array"),
    (type(None), "null"),
    (bson.Decimal128, "decimal"),
    (bson.Regex, "regex"),
    (bson.Timestamp, "timestamp"),
    (bson.MinKey, "minKey"),
    (bson.MaxKey, "maxKey"),
)


def mistakes(schema: Plain, value: Any, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, one phrase each: "releases.0.size must be a whole number, but is a string".

    Supports the schema keywords that `webapp.documents.validators` uses.
    """
    if not schema:
        return
    found = next((name for known, name in _NAMES if isinstance(value, known)), type(value).__name__)
    if found not in schema["bsonType"]:
        must_be = schema.get("description", "must be an object").partition(" must be ")[2]
        yield f"{path} must be {must_be}, but is of type {found}"
        return
    for name in schema.get("required", ()) if isinstance(value, dict) else ():
        if name not in value:
            yield f"{_inner(path, name)} is missing"
    for rule, inner, place in _parts(schema, value, path):
        yield from mistakes(rule, inner, place)


def null_lists(schema: Plain, value: Any, path: str = "") -> Iterator[str]:
    """Yield where null stands instead of a list: "releases.0.files"."""
    if value is None and "array" in schema.get("bsonType", ()):
        yield path
    for rule, inner, place in _parts(schema, value, path):
        yield from null_lists(rule, inner, place)


def without_nulls(schema: Plain, value: Any) -> Any:
    """Return a value without the null that stands instead of a list anywhere in it."""
    if isinstance(value, list):
        return [without_nulls(schema.get("items", {}), inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept: Plain = {}
    for name, (rule, inner, _) in zip(value, _parts(schema, value, ""), strict=True):
        if inner is not None or not any(null_lists(rule, None)):
            kept[name] = without_nulls(rule, inner)
    return kept


def _parts(schema: Plain, value: Any, path: str) -> Iterator[tuple[Plain, Any, str]]:
    """Yield the fields or elements of a value: the schema of each, itself, and its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            rule = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            yield rule, inner, _inner(path, name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield schema.get("items", {}), inner, _inner(path, str(number))


def described(schema: Plain, document: Plain, most: int = 3) -> str:
    """Return the first mistakes in a document, on one line."""
    found = list(islice(mistakes(schema, document), most + 1))
    return "; ".join(found[:most]) + ("; ..." if len(found) > most else "")


def _inner(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
