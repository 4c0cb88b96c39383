"""The folder of the embedded server: whose it is, its password, and what is written down in it."""

import json
import stat
import subprocess
from pathlib import Path

import pytest
from pymongo.errors import OperationFailure

from tests.mongodb.conftest import address, connect, left_behind, plain_mongod
from webapp.mongodb.embedded import acquire, release


def test_stale_record_that_names_another_process_is_not_believed(data_dir: Path, port: int) -> None:
    with subprocess.Popen(["sleep", "60"]) as foreign:
        data_dir.mkdir()
        stale = {"pid": foreign.pid, "port": 1}
        (data_dir / "larder-mongod.json").write_text(json.dumps(stale))
        (data_dir / "mongod.lock").write_text(f"{foreign.pid}\n")

        uri = acquire(data_dir, port=port)
        release()

        assert uri == address(data_dir, port)
        assert foreign.poll() is None
        foreign.kill()


def test_everything_in_the_folder_belongs_to_its_owner_alone(served: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (served, *served.rglob("*"))}

    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert modes["larder-password"] == 0o600


def test_files_that_were_open_to_others_are_closed(data_dir: Path, port: int) -> None:
    data_dir.mkdir()
    for name in ("mongod.log", "mongod.log.1", "larder-start.lock"):
        (data_dir / name).touch(0o644)

    acquire(data_dir, port=port)

    assert [path.name for path in data_dir.iterdir() if path.is_file() and path.stat().st_mode & 0o077] == []


def test_folder_without_a_password_gets_one_and_keeps_its_data(data_dir: Path, port: int) -> None:
    server = plain_mongod(data_dir, port)
    with connect(f"mongodb://127.0.0.1:{port}") as client:
        client.larder.jars.insert_one({"_id": "jam"})
    server.terminate()
    server.communicate()

    uri = acquire(data_dir, port=port)

    assert uri == address(data_dir, port)
    with connect(uri) as client:
        assert client.larder.jars.find_one() == {"_id": "jam"}
    with connect(f"mongodb://127.0.0.1:{port}") as client, pytest.raises(OperationFailure):
        client.larder.jars.find_one()


def test_user_is_made_where_the_start_was_cut_off_before(data_dir: Path, port: int) -> None:
    data_dir.mkdir()
    key = data_dir / "larder-password"
    key.touch(0o600)
    key.write_text("made-by-hand+/=\n".replace("-", ""))
    server = left_behind(data_dir, port, "--keyFile", str(key))

    uri = acquire(data_dir, port=1)  # joins the one that runs

    assert "madebyhand%2B%2F%3D@" in uri
    with connect(uri) as client:
        assert client.admin.command("serverStatus")["pid"] == server.pid
    server.kill()
    server.communicate()


def test_password_that_was_removed_is_replaced_by_a_new_one(data_dir: Path, port: int) -> None:
    before = acquire(data_dir, port=port)
    release()
    (data_dir / "larder-password").unlink()

    after = acquire(data_dir, port=port)

    assert after != before
    with connect(after) as client:
        assert client.admin.command("ping")["ok"]
    with connect(before) as client, pytest.raises(OperationFailure):
        client.admin.command("ping")
