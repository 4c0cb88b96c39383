"""What many tests begin with: made once for each of the two servers, and from then on only stored."""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from flask import Flask

from webapp.documents import DOCUMENTS, SiteStats

Result = TypeVar("Result")
# Shorter than any session, link or confirmation that a test begins with.
LIFETIME_S = 300


class _Made(NamedTuple):
    at: float
    result: Any
    documents: dict[Any, list[dict[str, Any]]]


def begin(app: Flask, key: str, make: Callable[[], Result]) -> Result:
    """Fill an empty database as `make` does, and return what that returns.

    Making documents takes ten times as long as storing them. There may be statistics already: they are replaced.
    """
    kept: dict[str, _Made] = app.extensions.setdefault("tests.beginnings", {})
    made = kept.get(key)
    if made is None or time.monotonic() - made.at > LIFETIME_S:
        result = make()
        documents = {each: list(each.objects.raw().find()) for each in DOCUMENTS}
        kept[key] = _Made(
            time.monotonic(), deepcopy(result), {each: found for each, found in documents.items() if found}
        )
        return result
    for document_type, kept_documents in made.documents.items():
        collection = document_type.objects.raw(may_be_lost=True)
        if document_type is SiteStats:
            collection.delete_many({})
        collection.insert_many(deepcopy(kept_documents))
    return deepcopy(made.result)
