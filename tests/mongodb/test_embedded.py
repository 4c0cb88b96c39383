"""The embedded server, with a real mongod and real processes that come, leave and are killed."""

import fcntl
import json
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from tests.mongodb.conftest import LOAD, USER, User, address, connect, left_behind, plain_mongod
from webapp.mongodb import embedded, mongod_programs
from webapp.mongodb.embedded import acquire, release
from webapp.mongodb.mongod_programs import MongodFailed, MongodNotFound, find_mongods

# Has a forked child, which inherits the descriptors of its locks and outlives its use of the server.
FORKING_USER = f"""{LOAD}
import os, signal

acquire(Path(sys.argv[1]), port=int(sys.argv[2]))
if child := os.fork():
    input()
    release()
    print("the parent has released it", flush=True)
    sys.stdin.read()
    os.kill(child, signal.SIGKILL)
else:
    release()
    print("the child has released it", flush=True)
    signal.pause()
"""
# Uses the server in a worker process, as some WSGI servers do.
USER_WITH_WORKER = f"""{LOAD}
import multiprocessing

worker = multiprocessing.get_context("fork").Process(
    target=acquire, args=(Path(sys.argv[1]),), kwargs=dict(port=int(sys.argv[2]))
)
worker.start()
worker.join()
print(worker.exitcode, flush=True)
"""
StartUser = Callable[..., User]


@pytest.fixture
def start_user(data_dir: Path, port: int) -> Iterator[StartUser]:
    users: list[User] = []

    def start(program: str = USER) -> User:
        users.append(User(data_dir, port, program))
        return users[-1]

    yield start
    for user in users:
        user.leave()


def is_served(data_dir: Path) -> bool:
    """Whether a mongod holds its lock on the folder."""
    with (data_dir / "mongod.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def record(data_dir: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((data_dir / "larder-mongod.json").read_text())
    return found


def test_server_starts_on_its_port_and_stops_when_released(data_dir: Path, port: int) -> None:
    uri = acquire(data_dir, port=port, database="pantry")

    assert uri == address(data_dir, port, "pantry")
    with connect(uri) as client:
        assert client.get_default_database().name == "pantry"
        assert client.admin.command("ping")["ok"]
        assert record(data_dir) == {
            "pid": client.admin.command("serverStatus")["pid"],
            "port": port,
        }
    release()
    release()
    assert not is_served(data_dir)
    assert not (data_dir / "larder-mongod.json").exists()


def test_one_process_gets_one_uri_for_one_folder(data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir.parent)

    uris = {acquire(data_dir, port=port), acquire(Path("mongodb"), port=port)}

    assert len(uris) == 1
    release()
    assert not is_served(data_dir)


def test_server_outlives_the_first_user_and_stops_with_the_last(data_dir: Path, start_user: StartUser) -> None:
    first = start_user()
    uri = first.says()
    second = start_user()

    assert second.says() == uri
    first.leave()
    with connect(uri) as client:
        assert client.admin.command("ping")["ok"]
    second.leave()
    assert not is_served(data_dir)


def test_users_that_come_and_leave_at_the_same_moment_share_a_server(data_dir: Path, start_user: StartUser) -> None:
    users = [start_user() for _ in range(4)]

    uris = {user.says() for user in users}

    assert len(uris) == 1
    for user in users:
        user.stdin.close()
    assert [user.leave() for user in users] == [0, 0, 0, 0]
    assert not is_served(data_dir)


def test_server_of_a_killed_user_is_joined_and_stopped(data_dir: Path, port: int, start_user: StartUser) -> None:
    user = start_user()
    uri = user.says()
    pid = record(data_dir)["pid"]
    user.end_by(signal.SIGKILL)
    assert is_served(data_dir)

    joined = acquire(data_dir, port=port)

    assert joined == uri
    assert record(data_dir)["pid"] == pid
    release()
    assert not is_served(data_dir)


def test_killed_server_comes_back_where_its_users_look_for_it_with_its_data(
    data_dir: Path, port: int, start_user: StartUser
) -> None:
    uri = start_user().says()
    with connect(uri) as client:
        client.get_default_database().jars.insert_one({"_id": "jam"})
        client.admin.command("fsync")
    os.kill(record(data_dir)["pid"], signal.SIGKILL)

    again = acquire(data_dir, port=1)  # a wish that comes too late

    assert again == uri
    with connect(again) as client:
        assert client.get_default_database().jars.find_one() == {"_id": "jam"}


@pytest.mark.parametrize(
    ("signum", "exit_code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)],
)
def test_signal_ends_the_user_and_its_server_in_order(
    data_dir: Path, start_user: StartUser, signum: signal.Signals, exit_code: int
) -> None:
    user = start_user()
    user.says()

    assert user.end_by(signum) == exit_code

    assert not is_served(data_dir)
    assert (data_dir / "mongod.lock").read_text() == ""  # as mongod leaves it when all is written


def test_signal_that_the_program_handles_stays_its_own(data_dir: Path, port: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    acquire(data_dir, port=port)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_forked_child_neither_stops_the_server_nor_keeps_its_locks(
    data_dir: Path, port: int, start_user: StartUser
) -> None:
    user = start_user(FORKING_USER)

    assert user.says() == "the child has released it"
    assert is_served(data_dir)
    user.stdin.write("\n")
    user.stdin.flush()
    assert user.says() == "the parent has released it"
    assert not is_served(data_dir)
    assert start_user().says() == address(data_dir, port)


def test_worker_of_multiprocessing_stops_its_server(data_dir: Path, start_user: StartUser) -> None:
    assert start_user(USER_WITH_WORKER).says() == "0"

    assert "Waiting for connections" in (data_dir / "mongod.log").read_text()
    assert not is_served(data_dir)


def test_port_that_is_taken_is_exchanged_for_a_free_one(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        taken = other_program.getsockname()[1]

        uri = acquire(data_dir, port=taken)

        assert f":{taken}/" not in uri
        with connect(uri) as client:
            assert client.admin.command("ping")["ok"]


def test_servers_that_start_at_the_same_moment_on_one_port_get_a_port_each(data_dir: Path, port: int) -> None:
    folders = [data_dir / str(number) for number in range(4)]

    with ThreadPoolExecutor(len(folders)) as pool:
        uris = list(pool.map(lambda folder: acquire(folder, port=port), folders))

    # Each password leads to a server of its own.
    assert len({uri.rpartition("@")[2] for uri in uris}) == len(folders)
    for uri in uris:
        with connect(uri) as client:
            assert client.admin.command("ping")["ok"]


def test_server_that_somebody_else_started_is_left_alone(data_dir: Path, port: int) -> None:
    server = plain_mongod(data_dir, port)
    try:
        with pytest.raises(MongodFailed, match=f"did not start, process {server.pid}, serves"):
            acquire(data_dir, port=port)

        assert is_served(data_dir)
    finally:
        server.kill()
        server.communicate()


def test_server_that_hangs_is_reported(
    data_dir: Path, port: int, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_TIMEOUT_S", 0.1)
    start_user().says()
    pid = record(data_dir)["pid"]
    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(MongodFailed, match=f"has not answered on port {port}"):
        acquire(data_dir, port=port)

    os.kill(pid, signal.SIGCONT)


def test_reason_is_given_when_mongod_does_not_start(data_dir: Path, port: int) -> None:
    data_dir.mkdir()
    (data_dir / "WiredTiger").write_text("damaged")
    (data_dir / "WiredTiger.turtle").write_text("damaged")

    with pytest.raises(MongodFailed, match=r"does not start .*corruption detected$"):
        acquire(data_dir, port=port)

    assert not is_served(data_dir)


def test_reason_is_given_when_mongod_cannot_even_be_loaded(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distribution", no_distribution)
    monkeypatch.setenv("PATH", str(data_dir.parent))
    mongod = data_dir.parent / "mongod"
    mongod.write_text("#!/bin/sh\necho 'mongod: libcurl.so.4 is missing' >&2\nexit 127\n")
    mongod.chmod(0o755)

    with pytest.raises(MongodFailed, match=r"\(exit code 127\): mongod: libcurl.so.4 is missing$"):
        acquire(data_dir, port=port)


def test_reason_is_given_when_the_folder_cannot_be_used(data_dir: Path, port: int) -> None:
    data_dir.write_text("a file")

    with pytest.raises(MongodFailed, match=r"cannot run on .*/mongodb"):
        acquire(data_dir, port=port)


def no_distribution(name: str) -> NoReturn:
    raise metadata.PackageNotFoundError(name)


def test_nobody_is_let_in_without_the_password(served: Path) -> None:
    port = record(served)["port"]
    anonymous, guessing = f"mongodb://127.0.0.1:{port}", f"mongodb://larder:guess@127.0.0.1:{port}/?authSource=admin"

    for uri, command in (
        (anonymous, {"find": "users"}),
        (anonymous, {"createUser": "mallory", "pwd": "secret", "roles": ["root"]}),
        (guessing, {"find": "users"}),
    ):
        with connect(uri) as client, pytest.raises(OperationFailure) as raised:
            client.admin.command(command)
        assert raised.value.code in {13, 18}


def test_neither_compressed_messages_nor_javascript_are_taken(served: Path) -> None:
    with connect(address(served, record(served)["port"])) as client:
        hello = client.admin.command("hello", compression=["zlib", "zstd", "snappy"])

        assert "compression" not in hello
        with pytest.raises(OperationFailure):
            client.larder.users.find_one({"$where": "true"})


def test_open_server_that_was_left_behind_is_replaced(data_dir: Path, port: int) -> None:
    server = left_behind(data_dir, port)
    reaper = threading.Thread(target=server.communicate)
    reaper.start()

    uri = acquire(data_dir, port=port)

    reaper.join(20)
    assert server.returncode == 0
    with connect(uri) as client:
        assert "keyFile" in client.admin.command("getCmdLineOpts")["parsed"]["security"]


def test_open_server_that_others_use_is_not_joined(data_dir: Path, port: int) -> None:
    server = left_behind(data_dir, port)
    with (data_dir / "larder-users.lock").open("w") as share:
        fcntl.flock(share, fcntl.LOCK_SH)

        with pytest.raises(MongodFailed, match="without the password in larder-password"):
            acquire(data_dir, port=port)

        assert server.poll() is None
    server.kill()
    server.communicate()


def test_server_that_dies_under_its_users_comes_back_with_what_it_had_confirmed(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "WATCH_S", 0.05)
    uri = acquire(data_dir, port=port)
    with MongoClient[dict[str, Any]](uri, w="majority", journal=True) as client:
        client.larder.jars.insert_one({"_id": "jam"})
        first = record(data_dir)["pid"]

        os.kill(first, signal.SIGKILL)

        assert client.larder.jars.find_one() == {"_id": "jam"}  # the driver waits for the server to come back
        assert client.admin.command("serverStatus")["pid"] != first


def test_server_that_cannot_come_back_yet_is_tried_again(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[None] = []

    def missing_once() -> list[mongod_programs.Program]:
        attempts.append(None)
        if len(attempts) == 1:
            raise MongodNotFound("it is being upgraded")
        return find_mongods()

    monkeypatch.setattr(embedded, "WATCH_S", 0.05)
    uri = acquire(data_dir, port=port)
    monkeypatch.setattr(embedded, "find_mongods", missing_once)

    os.kill(record(data_dir)["pid"], signal.SIGKILL)

    with MongoClient[dict[str, Any]](uri) as client:
        assert client.admin.command("ping")["ok"]  # the driver waits for the server to come back
    assert "cannot be started again, next attempt in 0 s: it is being upgraded" in caplog.text


def stand_in(folder: Path, version: str, otherwise: str) -> Path:
    """A mongod that says a version, and otherwise does this."""
    path = folder / "mongod"
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "db version v{version}" && exit\n{otherwise}\n')
    path.chmod(0o755)
    return path


def test_newer_mongod_on_path_that_cannot_read_the_data_leaves_them_to_the_older_one(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in(data_dir.parent, "98.0.1", "echo 'the data are too old' >&2; exit 62")
    monkeypatch.setenv("PATH", f"{data_dir.parent}:{os.environ['PATH']}")

    uri = acquire(data_dir, port=port)

    with connect(uri) as client:
        assert client.admin.command("ping")["ok"]
    assert (
        f"MongoDB 98.0.1 ({data_dir.parent}/mongod) cannot read the data in {data_dir}, so MongoDB 6.0" in caplog.text
    )


def test_reason_is_given_when_no_mongod_can_read_the_data(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distribution", no_distribution)
    stand_in(data_dir.parent, "7.0.1", "echo 'the data are too new' >&2; exit 62")
    monkeypatch.setenv("PATH", f"{data_dir.parent}:{os.environ['PATH']}")

    with pytest.raises(MongodFailed, match=r"^MongoDB 7\.0\.1 .* cannot read the data .*: the data are too new$"):
        acquire(data_dir, port=port)


@pytest.mark.parametrize(("system", "machine", "has_hint"), [("darwin", "arm64", True), ("linux", "x86_64", False)])
def test_program_of_another_processor_is_reported(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, *, has_hint: bool
) -> None:
    monkeypatch.setattr(metadata, "distribution", no_distribution)
    monkeypatch.setenv("PATH", str(data_dir.parent))
    (data_dir.parent / "mongod").write_bytes(b"\xcf\xfa\xed\xfe, as an executable of a Mac begins")
    (data_dir.parent / "mongod").chmod(0o755)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    with pytest.raises(MongodFailed, match="does not run on this machine: Exec format error") as raised:
        acquire(data_dir, port=port)

    assert ("softwareupdate --install-rosetta" in str(raised.value)) is has_hint
