"""Containers killed, stopped and removed while people read and register through nginx."""

import json
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.containers.stack import HTTP, Stack
from tests.faults.conftest import Keep
from tests.faults.load import HUNG, REFUSED, Load

AWAY_S = 5
# A site that starts on a busy machine takes minutes.
PATIENCE_S = 180


class Front(NamedTuple):
    """Where the load goes: nginx's port of this machine."""

    port: int = HTTP


def found(stack: Stack, names: list[str]) -> int:
    """How many of these usernames the database has."""
    program = (
        "import json, sys\nfrom app import app\nfrom webapp.documents import User\n"
        "with app.app_context():\n    print(User.objects(username__in=json.loads(sys.argv[1])).count())"
    )
    return int(stack.run("site", "python", "-c", program, json.dumps(names)).splitlines()[-1])


def suffer(stack: Stack, figures: Keep, what: str, disaster: Callable[[], None]) -> None:
    """Let a disaster happen under load, and see that what was acknowledged is there afterwards."""
    with Load(Front(), readers=2, writers=1) as load:  # type: ignore[arg-type]
        load.wait("read", 10, PATIENCE_S)
        load.wait("write", 3, PATIENCE_S)
        disaster()
        load.wait("read", 10, PATIENCE_S)
        load.wait("write", 3, PATIENCE_S)

    acknowledged = load.acknowledged()
    kept = found(stack, acknowledged)
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
    assert set(load.statuses()) <= {200, 503, REFUSED, HUNG}


def kill(stack: Stack, service: str) -> None:
    stack.kill(service)


def stop(stack: Stack, service: str) -> None:
    stack.compose("stop", service)
    time.sleep(AWAY_S)
    stack.compose("start", service)


def remove(stack: Stack, service: str) -> None:
    stack.compose("rm", "-s", "-f", service)
    time.sleep(AWAY_S)
    stack.compose("up", "-d", "--no-build", "--no-deps", service)


DISASTERS = [(service, disaster) for service in ("nginx", "site") for disaster in (kill, stop, remove)]


@pytest.mark.parametrize(("service", "disaster"), [*DISASTERS, ("mongo", kill)])
def test_no_acknowledged_write_is_lost(
    plain: Stack, figures: Keep, service: str, disaster: Callable[[Stack, str], None]
) -> None:
    suffer(plain, figures, f"{service}: {disaster.__name__}", lambda: disaster(plain, service))
