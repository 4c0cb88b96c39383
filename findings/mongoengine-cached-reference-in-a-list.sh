#!/usr/bin/env bash
# mongoengine 0.29.3: a CachedReferenceField in a list keeps the values of the first day.
#
# A CachedReferenceField stores some fields of the document it refers to, and renews them in all documents when that is
# saved. In a ListField it stores the same, and is never renewed, so that queries by the stored field do not find it.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0 blinker==1.9.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class User(mongoengine.Document):
    name = mongoengine.StringField()


class Package(mongoengine.Document):
    owner = mongoengine.CachedReferenceField(User, fields=["name"])
    maintainers = mongoengine.ListField(mongoengine.CachedReferenceField(User, fields=["name"]))


user = User(name="Grace").save()
Package(owner=user, maintainers=[user]).save()
user.name = "Grace Hopper"
user.save()
stored = Package.objects.as_pymongo().first()
print(stored["owner"]["name"], "-", stored["maintainers"][0]["name"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
Grace Hopper - Grace
EXPECTED
