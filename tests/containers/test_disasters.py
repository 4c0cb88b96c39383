"""docker-compose.yml under load: containers killed, stopped and removed, the network cut, the machine restarted."""

import time
from collections.abc import Callable

import pytest

from tests.containers.disasters import suffering
from tests.containers.machine import podman
from tests.containers.stack import Stack
from tests.faults.conftest import Keep

AWAY_S = 5
# Longer than the driver waits for an answer.
CUT_S = 15
SERVICES = ("nginx", "site", "mongo")


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


@pytest.mark.parametrize("disaster", [kill, stop, remove])
@pytest.mark.parametrize("service", SERVICES)
def test_no_acknowledged_write_is_lost_when_a_container_goes(
    plain: Stack, figures: Keep, service: str, disaster: Callable[[Stack, str], None]
) -> None:
    with suffering(plain, figures, f"{service}: {disaster.__name__}"):
        disaster(plain, service)


def test_network_between_site_and_mongodb_is_cut_and_mended(plain: Stack, figures: Keep) -> None:
    with suffering(plain, figures, f"network between site and MongoDB cut for {CUT_S} s") as load, plain.cut("site"):
        time.sleep(CUT_S)

    assert load.seconds_without("read") > CUT_S / 2
    assert 503 in load.statuses("read")


@pytest.mark.parametrize(("end", "what"), [("kill", "power lost"), ("stop", "shut down")])
def test_machine_goes_down_and_starts_everything_at_once(plain: Stack, figures: Keep, end: str, what: str) -> None:
    """After a start of the machine the engine starts what ran, in no particular order: the worst one here."""
    names = [plain.name(service) for service in SERVICES]

    with suffering(plain, figures, f"machine: {what}, everything started at once"):
        podman(end, *names)
        time.sleep(AWAY_S)
        podman("start", *names)
