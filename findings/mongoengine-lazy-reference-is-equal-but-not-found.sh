#!/usr/bin/env bash
# mongoengine 0.29.3: a lazy reference is equal to its document, but a set or dictionary does not find it.
#
# What a LazyReferenceField gives compares equal to the document and to a DBRef, and each has another hash. Python asks
# equal objects to have the same one. `in` finds the reference in a list and not in a set of the same documents.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class User(mongoengine.Document):
    name = mongoengine.StringField()


class Package(mongoengine.Document):
    owner = mongoengine.LazyReferenceField(User)


user = User(name="Grace").save()
Package(owner=user).save()
owner = Package.objects.first().owner
print(owner == user, owner in [user], owner in {user}, {user: "seen"}.get(owner))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
True True False None
EXPECTED
