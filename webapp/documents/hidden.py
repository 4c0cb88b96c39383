"""What a site for members hides from the reader of this request: projects that are for some teams only.

Strangers, who may read nothing but what signing in needs, are told apart here, too.

`members/read_access.py` decides that once per request. Querysets of collections that name projects leave them out by
themselves; what reads a collection through `raw()` adds `shown()` to its condition. Code that changes something sees
everything, and so do commands and background threads.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from flask import current_app, g, has_request_context

from webapp.documents.base import Plain, ReadingQuerySet

MEMBERS = "members"  # what READ_ACCESS is on a site for members


def admit() -> None:
    """Note that the reader of this request may read the site."""
    g.is_admitted = True


def is_stranger() -> bool:
    """Tell whether the reader of this request may not read the site, be it that nobody has decided that yet."""
    return has_request_context() and current_app.config.get("READ_ACCESS") == MEMBERS and not g.get("is_admitted")


def hide(names: Iterable[str]) -> None:
    """Hide these projects, by normalized name, from the reader of this request."""
    g.hidden_names = sorted(names)


def hidden_names() -> list[str]:
    """Return the projects that are hidden from the reader, by normalized name."""
    found: list[str] = g.get("hidden_names", []) if has_request_context() else []
    return found


def reader_key() -> str:
    """Return what tells apart readers who see different things, for the keys of caches."""
    if is_stranger():
        return "stranger"
    names = hidden_names()
    return hashlib.sha256("\n".join(names).encode()).hexdigest() if names else ""


def shown(field: str = "_id") -> Plain:
    """Return the condition that leaves out hidden projects; `field` holds their names. It is empty for most readers."""
    names = hidden_names()
    return {field: {"$nin": names}} if names else {}


@contextmanager
def hiding(names: Iterable[str]) -> Iterator[None]:
    """Hide these projects, by normalized name, and no others meanwhile."""
    before = hidden_names()
    hide(names)
    try:
        yield
    finally:
        hide(before)


def everything_shown() -> AbstractContextManager[None]:
    """Hide nothing meanwhile: somebody who was invited to a project cannot read it yet."""
    return hiding([])


class ShownQuerySet(ReadingQuerySet):
    """A queryset that leaves out what is about hidden projects."""

    NAMED_IN = "_id"  # the field with the normalized name

    @property
    def _query(self) -> dict[str, Any]:
        query: dict[str, Any] = super()._query
        condition = self._shown()
        return {"$and": [query, condition]} if condition else query

    def _shown(self) -> Plain:
        return shown(self.NAMED_IN)
