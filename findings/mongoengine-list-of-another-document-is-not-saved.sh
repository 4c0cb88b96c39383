#!/usr/bin/env bash
# mongoengine 0.29.3: a list that was taken from another document is not saved when it changes.
#
# A list of a loaded document notes its changes at that document, and goes on doing so where it is assigned to a second
# one: what is appended there is marked as a change of the first. save of the second document writes nothing. If the
# list is copied by list() before, it belongs to the second.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Release(mongoengine.Document):
    version = mongoengine.StringField(primary_key=True)
    keywords = mongoengine.ListField(mongoengine.StringField())


Release(version="1.0", keywords=["web"]).save()
for take in lambda keywords: keywords, list:
    first = Release.objects.get(version="1.0")
    second = Release(version="2.0").save()
    second.keywords = take(first.keywords)
    second.save()
    second.keywords.append("http")
    second.save()
    print(second.keywords, Release.objects.get(version="2.0").keywords)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['web', 'http'] ['web']
['web', 'http'] ['web', 'http']
EXPECTED
