#!/usr/bin/env bash
# mongoengine 0.29.3: IntField takes 1.7 and stores 1.
#
# The field converts by int() before it validates, so a fraction is cut off in silence; the text "1.7" is refused.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Download(mongoengine.Document):
    count = mongoengine.IntField()


saved = Download(count=1.7).save()
print(Download._get_collection().find_one({"_id": saved.id})["count"])
try:
    Download(count="1.7").save()
except mongoengine.ValidationError as error:
    print(error.to_dict())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
1
{'count': '1.7 could not be converted to int'}
EXPECTED
