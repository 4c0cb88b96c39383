"""Read all collections as they were at one moment, over any number of connections.

Source: read concern "snapshot" with `atClusterTime`,
https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
"""

from collections.abc import Iterable
from typing import Any

from bson import Timestamp
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

# Capped collections have no moments, and one that was created or replaced since has none before that.
SNAPSHOT_UNAVAILABLE = 246
# MongoDB no longer keeps the moment.
SNAPSHOT_TOO_OLD = 239


class AtMoment(ReadConcern):
    """Lets reads see what a majority of the members had at this moment."""

    def __init__(self, moment: Timestamp) -> None:
        super().__init__("snapshot")
        self._moment = moment

    @property
    def document(self) -> dict[str, Any]:
        """Return it as MongoDB takes it."""
        return {"level": "snapshot", "atClusterTime": self._moment}


def has_moments(database: Database[Any]) -> bool:
    """Tell whether this is a replica set; a standalone server keeps no earlier states."""
    hello = database.client.admin.command("hello")
    return "setName" in hello or hello.get("msg") == "isdbgrid"


def present_moment(database: Database[Any]) -> Timestamp:
    """Return the present moment. Reads of it wait until a majority of the members has reached it."""
    found: Timestamp = database.command("ping")["operationTime"]
    return found


def unreadable(database: Database[Any], names: Iterable[str], moment: Timestamp) -> dict[str, str]:
    """Return which collections cannot be read at a moment, and why. Raises OperationFailure if it is no longer kept."""
    found = {}
    for name in names:
        concern = {"readConcern": AtMoment(moment).document}
        try:
            database.command({"find": name, "limit": 1, "projection": {"_id": 1}, **concern})
        except OperationFailure as error:
            if error.code != SNAPSHOT_UNAVAILABLE:
                raise
            found[name] = reason_of_unavailable(error)
    return found


def reason_of_unavailable(error: OperationFailure) -> str:
    """Return why a collection cannot be read at a moment, for people."""
    if "capped" in str(error):
        return "it is capped"
    return "it was created or replaced since"
