"""The embedded `mongod` of ARM Linux, on a processor that qemu plays."""

import subprocess
from pathlib import Path
from typing import Any

import pymongo

from tests.conftest import free_port
from tests.containers.machine import ARM

START_MS = 120_000


def test_embedded_server_for_arm_keeps_and_returns_a_document(tmp_path: Path) -> None:
    port = free_port()
    program = ["qemu-aarch64-static", "-cpu", "max", "-L", str(ARM), str(ARM / "mongod")]
    options = ["--dbpath", str(tmp_path), "--bind_ip", "127.0.0.1", "--port", str(port), "--quiet"]
    server = subprocess.Popen([*program, *options], stdout=subprocess.DEVNULL)
    try:
        with pymongo.MongoClient[Any]("127.0.0.1", port, serverSelectionTimeoutMS=START_MS) as client:
            client["larder"]["packages"].insert_one({"_id": "flask"})

            assert client.server_info()["buildEnvironment"]["distarch"] == "aarch64"
            assert client["larder"]["packages"].find_one() == {"_id": "flask"}
    finally:
        server.terminate()
        server.wait(60)
