"""Let something happen to the stack while people read and register through nginx, and keep what they noticed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.containers.stack import HTTP, Stack
from tests.faults.conftest import Keep
from tests.faults.load import HUNG, REFUSED, Load

# A site that starts on a busy machine takes minutes.
PATIENCE_S = 180
# A member that is not the primary copies what it lacks.
CAUGHT_UP_S = 30


class Front(NamedTuple):
    """Where the load goes: nginx's port of this machine."""

    port: int = HTTP


def found(stack: Stack, names: list[str], service: str = "mongo") -> int:
    """How many of these usernames the database in this container has."""
    with stack.database(service) as client:
        return client["larder"]["users"].count_documents({"username": {"$in": names}})


@contextmanager
def suffering(stack: Stack, figures: Keep, what: str, service: str = "mongo") -> Iterator[Load]:
    """Load, while something happens in the `with`; see that what was acknowledged is in the database of this container.

    Readers and a writer get what they want at the beginning, and again at the end.
    """
    with Load(Front(), readers=2, writers=1) as load:  # type: ignore[arg-type]
        load.wait("read", 10, PATIENCE_S)
        load.wait("write", 3, PATIENCE_S)
        yield load
        load.wait("read", 10, PATIENCE_S)
        load.wait("write", 3, PATIENCE_S)

    acknowledged = load.acknowledged()
    deadline = time.monotonic() + CAUGHT_UP_S
    while (kept := found(stack, acknowledged, service)) < len(acknowledged) and time.monotonic() < deadline:
        time.sleep(1)
    figures(
        what,
        writes_acknowledged=len(acknowledged),
        writes_found=kept,
        seconds_without_reads=load.seconds_without("read"),
        seconds_without_writes=load.seconds_without("write"),
        reads=load.statuses("read"),
        writes=load.statuses("write"),
    )
    assert kept == len(acknowledged)
    errors = [line for line in stack.logs("site").splitlines() if '"level": "ERROR"' in line]
    assert load.wrong == [], (load.wrong[:3], errors[-3:])
    assert set(load.statuses()) <= {200, 503, REFUSED, HUNG}
