#!/usr/bin/env bash
# mongoengine 0.29.3: BooleanField takes the text "false" for True.
#
# The field converts by bool(), so every text that is not empty is true, "false", "no" and "0" included, and
# validation has nothing to object to. Values of forms, CSV files and environment variables are such texts.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Release(mongoengine.Document):
    yanked = mongoengine.BooleanField()


for text in ("false", "no", "0", ""):
    release = Release(yanked=text).save()
    print(repr(text), Release._get_collection().find_one({"_id": release.id})["yanked"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
'false' True
'no' True
'0' True
'' False
EXPECTED
