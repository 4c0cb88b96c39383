"""The declared indexes: build them one by one, and say which cannot be built, and why."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import mongoengine as me
from bson import json_util
from pymongo.database import Database
from pymongo.errors import OperationFailure

from webapp.documents.base import Plain, without_time_limit

_DUPLICATE_KEY = 11000
# An index of this name has other fields or options; one with these fields and options has another name.
_CONFLICTS = (85, 86)
# How many groups of documents with the same key are named, and how many of each.
_MOST_TWINS, _MOST_IDS = 5, 5


class IndexProblem(NamedTuple):
    """An index that cannot be built."""

    collection: str
    name: str
    is_unique: bool
    reason: str

    def __str__(self) -> str:
        return f"{self.collection}: the index {self.name} cannot be built: {self.reason}"


class IndexProblems(RuntimeError):
    """Some indexes cannot be built; all others exist."""

    def __init__(self, problems: list[IndexProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def ensure_indexes(document_types: Iterable[type[me.Document]]) -> None:
    """Build all declared indexes that do not exist yet. Raises IndexProblems after it has tried them all.

    An index over millions of documents takes longer than a request may.
    """
    with without_time_limit():
        problems = [
            problem
            for document_type in document_types
            for spec in missing_indexes(document_type)
            if (problem := _problem(document_type, spec))
        ]
    if problems:
        raise IndexProblems(problems)


def ensure_one(document_type: type[me.Document], spec: Plain) -> bool:
    """Build one declared index; False if documents or another index stand in its way."""
    with without_time_limit():
        return _problem(document_type, spec) is None


def _problem(document_type: type[me.Document], spec: Plain) -> IndexProblem | None:
    """Build an index; return why it cannot be built, or None."""
    try:
        _build(document_type, spec)
    except OperationFailure as error:
        if error.code not in (_DUPLICATE_KEY, *_CONFLICTS):
            raise
        reason = _reason(document_type, spec, error)
        return IndexProblem(document_type._get_collection_name(), spec["name"], bool(spec.get("unique")), reason)
    return None


def _build(document_type: type[me.Document], spec: Plain) -> None:
    options = {key: value for key, value in spec.items() if key not in ("fields", "cls")}
    document_type.objects.raw().create_index(spec["fields"], **options)


def missing_indexes(document_type: type[me.Document]) -> Iterator[Plain]:
    """Yield the declared indexes that the server does not have with the same fields and rules, under any name."""
    standing = document_type.objects.raw().index_information().values()
    for spec in document_type._meta["index_specs"]:
        if not any(_is_as(spec, index) for index in standing):
            yield spec


def _is_as(spec: Plain, index: Plain) -> bool:
    collation = index.get("collation") or {}
    wanted = spec.get("collation") or {}
    return (
        [(name, int(way)) for name, way in index["key"]] == [(name, int(way)) for name, way in spec["fields"]]
        and bool(index.get("unique")) == bool(spec.get("unique"))
        and _plain(index.get("partialFilterExpression")) == _plain(spec.get("partialFilterExpression"))
        and index.get("expireAfterSeconds") == spec.get("expireAfterSeconds")
        and all(collation.get(name) == value for name, value in wanted.items())
        and bool(collation) == bool(wanted)
    )


def _plain(value: Any) -> Any:
    return {key: _plain(each) for key, each in value.items()} if hasattr(value, "items") else value


def twins_of(document_type: type[me.Document], spec: Plain) -> Iterator[list[Any]]:
    """Yield the `_id`s of documents that have the same unique key, one list for each key."""
    names = [name for name, _ in spec["fields"]]
    key = {str(number): {"$ifNull": [f"${name}", None]} for number, name in enumerate(names)}
    pipeline: list[Plain] = [
        {"$match": spec.get("partialFilterExpression", {})},
        {"$group": {"_id": key, "ids": {"$push": "$_id"}}},
        {"$match": {"ids.1": {"$exists": True}}},
        {"$sort": {"_id": 1}},
    ]
    with without_time_limit():
        for row in document_type.objects.raw().aggregate(pipeline, allowDiskUse=True):
            yield sorted(row["ids"], key=str)


def _reason(document_type: type[me.Document], spec: Plain, error: OperationFailure) -> str:
    if error.code in _CONFLICTS:
        return f"another index is in its way; drop it: {_one_line(error)}"
    if not isinstance(document_type._get_db(), Database):
        return _one_line(error)
    groups = []
    for number, ids in enumerate(twins_of(document_type, spec)):
        if number == _MOST_TWINS:
            groups.append("...")
            break
        shown = [json_util.dumps(each, json_options=json_util.RELAXED_JSON_OPTIONS) for each in ids[:_MOST_IDS]]
        groups.append(", ".join(shown) + (", ..." if len(ids) > _MOST_IDS else ""))
    fields = ", ".join(name for name, _ in spec["fields"])
    return f"these documents have the same {fields}: {'; '.join(groups)}"


def _one_line(error: OperationFailure) -> str:
    said = str((error.details or {}).get("errmsg") or error)
    return " ".join(said.split())[:200]
