"""The three members of deploy/replica-set.yml, as they see each other."""

import pymongo
from pymongo.errors import PyMongoError

from tests.containers.stack import Stack, wait_for

MEMBERS = ("mongo", "mongo2", "mongo3")
PRIMARY, SECONDARY = 1, 2


def states(stack: Stack) -> dict[str, str]:
    """What the first member that answers thinks of each."""
    for service in MEMBERS:
        try:
            with pymongo.timeout(5), stack.database(service) as client:
                members = client.admin.command("replSetGetStatus")["members"]
        except (PyMongoError, AssertionError, ValueError):
            continue
        return {member["name"].split(":")[0]: member["stateStr"] for member in members}
    return {}


def is_well(stack: Stack, service: str) -> bool:
    """Whether a member says of itself that it has all data."""
    try:
        with pymongo.timeout(5), stack.database(service) as client:
            return client.admin.command("replSetGetStatus")["myState"] in (PRIMARY, SECONDARY)
    except (PyMongoError, AssertionError, ValueError):
        return False


def primary(stack: Stack) -> str:
    return next(name for name, state in states(stack).items() if state == "PRIMARY")


def secondary(stack: Stack) -> str:
    return next(name for name, state in states(stack).items() if state == "SECONDARY")


def wait_for_all(stack: Stack) -> None:
    """Wait until one member is the primary, and the others have what it has."""
    wait_for(lambda: sorted(states(stack).values()) == ["PRIMARY", "SECONDARY", "SECONDARY"], "a whole replica set")
