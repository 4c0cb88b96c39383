"""The findings of a database check."""

from collections.abc import Callable
from typing import Any, NamedTuple

import bson
from bson import json_util


class Finding(NamedTuple):
    """A document that breaks a rule."""

    collection: str
    document_id: Any
    rule: str  # its name; docs/inspecting.md explains each
    what: str  # what is wrong, a phrase
    # Repairs it in one atomic operation; False if the document was changed in the meantime, or cannot be repaired.
    repair: Callable[[], bool] | None = None
    # Whether that repair would succeed, for those that may not; a dry run asks.
    would: Callable[[], bool] | None = None

    def as_line(self) -> str:
        """Return it as a line for people, with control characters escaped."""
        return "  ".join(_printable(part) for part in (self.collection, self.shown_id, self.rule, self.what))

    def as_json(self) -> str:
        """Return it as JSON for programs."""
        found = {"collection": self.collection, "_id": self.document_id, "rule": self.rule, "what": self.what}
        found["can_be_repaired"] = self.repair is not None
        return json_util.dumps(found, json_options=json_util.RELAXED_JSON_OPTIONS)

    @property
    def shown_id(self) -> str:
        """The `_id` as people write it, in the shell too."""
        return self.id_of(self.document_id)

    @staticmethod
    def id_of(document_id: Any) -> str:
        """Return any `_id` as people write it."""
        if isinstance(document_id, str):
            return document_id
        if isinstance(document_id, bson.ObjectId):
            return repr(document_id)
        return str(json_util.dumps(document_id, json_options=json_util.RELAXED_JSON_OPTIONS))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
