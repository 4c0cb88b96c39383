#!/usr/bin/env bash
# mongoengine 0.29.3: updating a slice of a queryset updates everything.
#
# A slice, limit() and skip() narrow what is read, counted by len() and deleted. `update` does not know them and takes
# the filter alone, so what was meant for two packages changes all.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    name = mongoengine.StringField(primary_key=True)
    is_listed = mongoengine.BooleanField(default=True)


for name in "abcd":
    Package(name=name).save()
first = Package.objects.order_by("name")[:2]
print(len(first), first.update(is_listed=False), Package.objects(is_listed=False).count())
print(first.delete(), Package.objects.count())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
2 4 4
2 2
EXPECTED
