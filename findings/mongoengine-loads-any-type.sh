#!/usr/bin/env bash
# mongoengine 0.29.3: a document whose fields hold other types than declared is loaded as it is.
#
# A string in an IntField or a ListField comes back as that string, and a null in a list of embedded documents as an
# empty list; only an embedded document of another type raises an error. Whoever edits by hand in a shell reaches the
# code that trusts the declaration.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Release(mongoengine.EmbeddedDocument):
    version = mongoengine.StringField()


class Package(mongoengine.Document):
    downloads = mongoengine.IntField()
    classifiers = mongoengine.ListField(mongoengine.StringField())
    releases = mongoengine.EmbeddedDocumentListField(Release)


collection = Package._get_collection()
collection.insert_one({"downloads": "many", "classifiers": "Framework :: Flask", "releases": None})
package = Package.objects.first()
print(repr(package.downloads), repr(package.classifiers), package.releases)
collection.update_one({}, {"$set": {"releases": ["1.0"]}})
try:
    Package.objects.first()
except mongoengine.errors.InvalidDocumentError:
    print("InvalidDocumentError")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
'many' 'Framework :: Flask' []
InvalidDocumentError
EXPECTED
