#!/usr/bin/env bash
# mongita 1.2.0: $push with $each appends the operator, and a search by $or finds nothing.
#
# Mongita names $push among its operators, says that it is loud about what it does not implement, and raises an error
# for $pull, $exists or upsert. $each is appended as a document of its own. $or is taken for the name of a field that no
# document has.
. "$(dirname "$0")/lib/setup.bash" mongita==1.2.0

python - >"$folder/seen" <<'PYTHON'
import mongita

packages = mongita.MongitaClientMemory().test.packages
packages.insert_one({"_id": "kiln", "keywords": ["web"]})
packages.update_one({"_id": "kiln"}, {"$push": {"keywords": {"$each": ["http", "wsgi"]}}})
print(packages.find_one())
print(packages.count_documents({"$or": [{"_id": "kiln"}, {"_id": "oven"}]}))
try:
    packages.count_documents({"keywords": {"$exists": True}})
except mongita.errors.MongitaError as error:
    print(str(error).partition(". ")[0])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'_id': 'kiln', 'keywords': ['web', {'$each': ['http', 'wsgi']}]}
0
Mongita does not support '$exists'
EXPECTED
