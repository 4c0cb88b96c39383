"""Commands of docs/operating.md, run by the site's own user of a MongoDB that was set up as written there."""

import os
import re
import subprocess
import sys
import time
from getpass import getuser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.conftest import free_port
from tests.deploy.conftest import (
    DB_PASSWORD,
    ROOT,
    ROOT_PASSWORD,
    connect,
    listens,
    run_init,
    running,
    site_environment,
    site_uri,
    tool,
    wait_for,
)
from webapp.mongodb.mongod_programs import find_mongod


def flask(uri: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=os.environ | site_environment(MONGODB_URI=uri),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def content(uri: str) -> dict[str, list[Any]]:
    with connect(uri) as client:
        database = client.get_default_database()
        # MongoDB itself removes what stands in `limits` when its time has passed, which may be just now.
        names = set(database.list_collection_names()) - {"limits"}
        return {name: list(database[name].find().sort("_id")) for name in names}


def test_backup_is_restored_byte_for_byte(mongo: int, tmp_path: Path) -> None:
    uri, folder = site_uri(mongo), tmp_path / "dump"
    flask(uri, "db", "init")
    before = content(uri)

    dumped = flask(uri, "db", "dump", str(folder))
    refused = flask(uri, "db", "load", str(folder))
    with connect(uri) as client:
        client.drop_database("larder")
    loaded = flask(uri, "db", "load", str(folder))
    restored = content(uri)
    ready = flask(uri, "db", "init")

    assert (dumped.returncode, dumped.stderr.count("Error")) == (0, 0)
    assert "from the same moment" in dumped.stdout
    assert refused.returncode == 1
    assert (loaded.returncode, ready.returncode) == (0, 0), loaded.stderr + ready.stderr
    assert restored == before
    assert before["packages"]


def test_database_is_checked_and_measured_with_the_sites_own_rights(mongo: int) -> None:
    uri = site_uri(mongo)
    with connect(uri) as client:  # of what other tests left here, a check may find something
        database = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})
    flask(uri, "db", "init")

    for command in (["db", "stats"], ["db", "check"], ["db", "repair", "--dry-run"], ["db", "ensure-indexes"]):
        done = flask(uri, *command)
        assert (done.returncode, "not authorized" in done.stdout + done.stderr) == (0, False), (
            command,
            done.stdout,
            done.stderr,
        )


def test_wrong_password_is_told_in_one_line(mongo: int, tmp_path: Path) -> None:
    uri = site_uri(mongo, password="wrong-password")

    for command in (["db", "dump", str(tmp_path / "dump")], ["db", "check"], ["users", "list"]):
        done = flask(uri, *command)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "Error: the database refuses what the site asks of it: Authentication failed. See MONGODB_URI."
        ]


def guide(heading: str, **other: str) -> str:
    """Return the commands that the page shows under a heading, with what is different here."""
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    section = re.split(r"^#", page.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    commands = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    here = {
        ".venv/bin/flask": f"{sys.executable} -m flask",
        "/opt/larder/.venv/bin/flask": f"{sys.executable} -m flask",
        "/opt/larder": str(ROOT),
        "mongosh ": f"{tool('mongosh', 'npm install --prefix .tools mongosh')} --quiet ",
    }
    for before, after in (other | dict(sorted(here.items(), key=lambda each: -len(each[0])))).items():
        assert before in commands or before in here, f"{heading}: {before}"
        commands = commands.replace(before, after)
    return commands


def shell(commands: str, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=ROOT, env=os.environ | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def root_uri(port: int, name: str = "admin") -> str:
    return f"mongodb://root:{quote(ROOT_PASSWORD, safe='')}@127.0.0.1:{port}/{name}"


def test_data_of_the_embedded_server_moves_as_the_guide_says(mongo: int, tmp_path: Path) -> None:
    with connect(site_uri(mongo)) as client:
        client.drop_database("larder")
    embedded = {"LARDER_ENV": "development", "MONGODB_DIR": str(tmp_path / "mongodb"), "UPSTREAM_INDEX": "http://x/"}
    shell(f"{sys.executable} -m flask --app app db init", **embedded)

    said = shell(
        guide(
            "### To a MongoDB of your own",
            **{"larder-dump": str(tmp_path / "dump"), "db.example.org": f"127.0.0.1:{mongo}", "PASSWORD": DB_PASSWORD},
        ),
        **embedded,
    )

    assert "The dump is whole" in said
    assert said.rstrip().endswith("No findings.")
    with connect(site_uri(mongo)) as client:
        assert client.larder.pages.count_documents({}) == 2


def test_backup_is_tried_in_a_database_that_is_removed_again(mongo: int, tmp_path: Path) -> None:
    flask(site_uri(mongo), "db", "init")
    flask(site_uri(mongo), "db", "dump", str(tmp_path / "dump"))
    commands = guide(
        "## Backup",
        **{
            "/var/backups/larder/2026-11-20T0315": str(tmp_path / "dump"),
            "root:PASSWORD@": f"root:{quote(ROOT_PASSWORD, safe='')}@",
            "mongodb://root@": f"mongodb://root:{quote(ROOT_PASSWORD, safe='')}@",
            "127.0.0.1:27017": f"127.0.0.1:{mongo}",
        },
    )
    trial = commands[commands.index("export MONGODB_URI") :]
    assert "docker" not in trial

    said = shell(trial)

    assert "byte for byte as in the dump" in said
    assert "larder_trial" in said.rpartition("dropped")[2]
    with connect(root_uri(mongo)) as client:
        assert "larder_trial" not in client.list_database_names()
        assert client.larder.packages.count_documents({}) > 0


def test_password_of_the_site_is_changed_without_containers(mongo: int) -> None:
    commands = guide(
        "### Without containers",
        **{
            "MONGO_ROOT_PASSWORD=...": "MONGO_ROOT_PASSWORD=$ROOT",
            "LARDER_DB_PASSWORD=...": "LARDER_DB_PASSWORD=another",
            "127.0.0.1:27017": f"127.0.0.1:{mongo}",
        },
    )

    said = shell(commands, ROOT=ROOT_PASSWORD)

    with connect(site_uri(mongo, password="another")) as client:
        assert client.larder.command("ping")
    assert said == "The user larder may use the database larder.\n"
    assert run_init(mongo).endswith("exit code 0")


def test_log_of_mongodb_is_rotated_by_what_the_guide_shows(tmp_path: Path) -> None:
    logrotate = tool("logrotate", "apt-get install logrotate")
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    found = re.search(r"    (/var/log/mongodb/mongod\.log \{\n.*?\n    \})", page, re.DOTALL)
    assert found
    log, pid, port = tmp_path / "mongod.log", tmp_path / "pid", free_port()
    options = ["--logpath", str(log), "--logappend", "--logRotate", "reopen", "--pidfilepath", str(pid)]
    (tmp_path / "data").mkdir()
    kill = "systemctl kill --kill-who=main --signal=SIGUSR1 mongod"
    assert kill in found[1]
    rules = found[1].replace("/var/log/mongodb/mongod.log", str(log)).replace(kill, f"kill -USR1 $(cat {pid})")
    (tmp_path / "rules").write_text(rules.replace("weekly", f"weekly\n su {getuser()} {getuser()}") + "\n")

    with running(find_mongod(), "--dbpath", tmp_path / "data", "--port", str(port), *options, log=tmp_path / "out"):
        wait_for(lambda: listens(port), "MongoDB")
        for _ in range(3):
            time.sleep(2.1)  # it ignores signals that follow within two seconds
            shell(f"{logrotate} --force --state {tmp_path}/state {tmp_path}/rules")
            # It logs each connection.
            wait_for(lambda: listens(port) and log.exists() and log.stat().st_size > 0, "a new log")

    assert {path.name for path in tmp_path.glob("mongod.log.*")} == {
        "mongod.log.1",
        "mongod.log.2.gz",
        "mongod.log.3.gz",
    }
