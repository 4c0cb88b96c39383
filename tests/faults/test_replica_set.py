"""The site on a replica set of three, under load, while its primary dies, steps down, freezes, or is out of reach."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from pymongo.errors import PyMongoError

from tests.faults.conftest import Keep
from tests.faults.load import Load
from tests.servers import ReplicaSet, Site, serving

pytestmark = pytest.mark.faults

# MongoDB notices after ten seconds that a primary is gone; then it elects another.
READS_AGAIN_S = 15


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with contextlib.ExitStack() as stack:
        yield ReplicaSet(tmp_path_factory.mktemp("set"), stack)


@pytest.fixture(scope="module")
def one_site(replica_set: ReplicaSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all of these tests: nothing of it is restarted."""
    with serving(tmp_path_factory.mktemp("site") / "log", replica_set.uri()) as site:
        yield site


@pytest.fixture
def site(one_site: Site, replica_set: ReplicaSet) -> Site:
    replica_set.wait_until_whole()
    one_site.wait_until_up(200, "/projects/")
    return one_site


def kill(replica_set: ReplicaSet, primary: int) -> Callable[[], None]:
    replica_set.members[primary].kill()
    return replica_set.members[primary].start


def step_down(replica_set: ReplicaSet, primary: int) -> Callable[[], None]:
    with replica_set.members[primary].client() as client, contextlib.suppress(PyMongoError):
        client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=5)
    return lambda: None


def freeze(replica_set: ReplicaSet, primary: int) -> Callable[[], None]:
    replica_set.members[primary].signal(signal.SIGSTOP)
    return lambda: replica_set.members[primary].signal(signal.SIGCONT)


def cut_off(replica_set: ReplicaSet, primary: int) -> Callable[[], None]:
    replica_set.wires[primary].cut()
    return replica_set.wires[primary].mend


FAULTS = {
    "primary killed by kill -9": kill,
    "primary stepped down": step_down,
    "primary frozen": freeze,
    "primary cut off from all": cut_off,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_acknowledged_write_is_lost_and_readers_are_served_again(
    replica_set: ReplicaSet, site: Site, fault: str, figures: Keep
) -> None:
    web_processes = site.web_processes()
    primary = replica_set.primary()

    with Load(site) as load:
        load.wait("write")
        undo = FAULTS[fault](replica_set, primary)
        try:
            time.sleep(1)
            load.wait("write")
            load.wait("read")
        finally:
            undo()
        replica_set.wait_until_whole()
        load.wait("write")

    check(load, replica_set, fault, figures)
    assert load.seconds_without("read") < READS_AGAIN_S
    assert site.web_processes() == web_processes


def test_readers_do_not_need_the_primary(replica_set: ReplicaSet, site: Site, figures: Keep) -> None:
    wire = replica_set.wires[replica_set.primary()]

    with Load(site) as load:
        load.wait("write")
        wire.cut(only_for_site=True)
        try:
            time.sleep(8)
            load.wait("read", 200)
        finally:
            wire.mend()
        load.wait("write")

    check(load, replica_set, "site cut off from the primary alone for 8 s", figures)
    assert load.statuses("write")[503] > 0
    assert load.seconds_without("read") < 8


def test_site_that_was_cut_off_from_the_whole_database_is_back_at_once(
    replica_set: ReplicaSet, site: Site, figures: Keep
) -> None:
    with Load(site) as load:
        load.wait("write")
        for wire in replica_set.wires:
            wire.cut(only_for_site=True)
        time.sleep(8)
        for wire in replica_set.wires:
            wire.mend()
        load.wait("read")
        load.wait("write")

    check(load, replica_set, "site cut off from all members for 8 s", figures)
    assert load.statuses("read")[503] > 0
    assert load.seconds_without("read") < READS_AGAIN_S


def check(load: Load, replica_set: ReplicaSet, fault: str, figures: Keep) -> None:
    """Nobody was left without an answer, each answer was right, and what was acknowledged is there."""
    acknowledged = load.acknowledged()
    found = replica_set.names(acknowledged)
    figures(
        fault,
        writes_acknowledged=len(acknowledged),
        writes_found=len(found),
        seconds_without_reads=load.seconds_without("read"),
        seconds_without_writes=load.seconds_without("write"),
        longest_answer_in_seconds=load.longest_s(),
        reads=load.statuses("read"),
        writes=load.statuses("write"),
    )
    assert load.wrong == []
    assert set(load.statuses()) <= {200, 503}
    assert found == set(acknowledged)
