#!/usr/bin/env bash
# mongoengine 0.29.3: none() has no documents, but distinct values.
#
# A queryset after none() finds, counts, sums, updates and deletes nothing. Its distinct() still asks the database.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    name = mongoengine.StringField()


Package(name="flask").save()
nothing = Package.objects.none()
print(nothing.count(), list(nothing.scalar("name")), nothing.update(name="jinja2"), nothing.distinct("name"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
0 [] 0 ['flask']
EXPECTED
