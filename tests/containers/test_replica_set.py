"""deploy/replica-set.yml with three members, one of which is killed, cut off, lost with its volume, made anew."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial

import pymongo
import pytest
from pymongo.errors import OperationFailure

from tests.containers.conftest import BUSY
from tests.containers.disasters import suffering
from tests.containers.machine import podman
from tests.containers.members import MEMBERS, is_well, primary, secondary, states, wait_for_all
from tests.containers.stack import Stack, wait_for
from tests.faults.conftest import Keep

CUT_S = 20
READS_AGAIN_S = 15


@pytest.fixture(scope="module")
def whole(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), "deploy/replica-set.yml", **BUSY).running() as stack:
        yield stack


@pytest.fixture
def trio(whole: Stack) -> Stack:
    """The stack when all its members are well."""
    wait_for_all(whole)
    return whole


def test_three_members_are_one_set_and_healthy(trio: Stack) -> None:
    assert sorted(states(trio)) == list(MEMBERS)
    assert [trio.health(name) for name in (*MEMBERS, "site", "nginx")] == ["healthy"] * 5
    assert trio.inspect("mongo-init")["State"]["ExitCode"] == 0


def test_only_the_first_member_is_published_and_all_ask_for_a_password(trio: Stack) -> None:
    published = {name: trio.inspect(name)["HostConfig"]["PortBindings"] for name in MEMBERS}

    assert {name: [each["HostIp"] for each in ports.get("27017/tcp") or []] for name, ports in published.items()} == {
        "mongo": ["127.0.0.1"], "mongo2": [], "mongo3": [],
    }  # fmt: skip
    for name in MEMBERS:
        client = pymongo.MongoClient[dict[str, object]](trio.address(name), directConnection=True)
        with client, pytest.raises(OperationFailure, match="requires authentication"):
            client["larder"]["users"].find_one()


def test_key_of_the_set_is_seen_only_by_its_members(trio: Stack) -> None:
    services = (*MEMBERS, "mongo-init", "site", "nginx")
    seen = {name for name in services if trio.secrets["MONGO_KEY"] in json.dumps(trio.inspect(name))}

    assert seen == set(MEMBERS)
    logs = trio.logs()
    assert not [name for name, value in trio.secrets.items() if value in logs]


def kill(stack: Stack, service: str) -> None:
    stack.kill(service)


def stop(stack: Stack, service: str) -> None:
    stack.compose("stop", service)
    time.sleep(5)
    stack.compose("start", service)


def cut_off(stack: Stack, service: str) -> None:
    with stack.cut(service):
        time.sleep(CUT_S)


@pytest.mark.parametrize("disaster", [kill, stop, cut_off])
def test_readers_hardly_notice_that_the_primary_is_gone(
    trio: Stack, figures: Keep, disaster: Callable[[Stack, str], None]
) -> None:
    service = primary(trio)

    with suffering(trio, figures, f"three members: primary: {disaster.__name__}", secondary(trio)) as load:
        disaster(trio, service)

    assert load.seconds_without("read") < READS_AGAIN_S


@pytest.mark.parametrize("which", [secondary, primary])
def test_member_lost_with_its_volume_is_rebuilt(trio: Stack, figures: Keep, which: Callable[[Stack], str]) -> None:
    service = which(trio)
    volumes = [each["Name"] for each in trio.inspect(service)["Mounts"] if each["Type"] == "volume"]

    with suffering(trio, figures, f"three members: {which.__name__} lost with its volume", service) as load:
        podman("rm", "-f", "-t", "0", trio.name(service))
        podman("volume", "rm", *volumes)
        began = time.monotonic()
        trio.compose("up", "-d", "--no-build", "--no-deps", service)
        wait_for(lambda: is_well(trio, service), f"{service} again")
        figures(f"three members: {which.__name__} rebuilt", seconds=time.monotonic() - began)

    assert load.seconds_without("read") < READS_AGAIN_S


def test_readers_notice_nothing_of_an_upgrade_of_mongodb(trio: Stack, figures: Keep) -> None:
    """As the guide has it; instead of another version, the same one anew."""

    with suffering(trio, figures, "three members: one after the other made anew") as load:
        for service in reversed(MEMBERS):
            trio.compose("up", "-d", "--no-build", "--no-deps", "--force-recreate", service)
            wait_for(partial(is_well, trio, service), service)

    assert load.seconds_without("read") < READS_AGAIN_S
