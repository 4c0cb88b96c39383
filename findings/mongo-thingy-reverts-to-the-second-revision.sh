#!/usr/bin/env bash
# Mongo-Thingy 0.17.2: revert() goes back to the second revision, however many there are.
#
# A Versioned document keeps each state that is saved. revert takes the last but one of the three oldest revisions, so
# it is right for a document with three of them; with more, it goes back further and saves that.
. "$(dirname "$0")/lib/setup.bash" Mongo-Thingy==0.17.2 mongomock==4.3.0 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import mongomock
from mongo_thingy import Thingy, connect
from mongo_thingy.versioned import Revision, Versioned

connect("mongodb://localhost/test", client_cls=mongomock.MongoClient)


class Package(Versioned, Thingy):
    _revision_cls = Revision


for last in 3, 5, 9:
    package = Package({"name": "kiln"})
    for number in range(1, last + 1):
        package.summary = number
        package.save()
    package.revert()
    print(last, "->", Package.find_one(package.id).summary)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
3 -> 2
5 -> 2
9 -> 2
EXPECTED
