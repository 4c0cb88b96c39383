#!/usr/bin/env bash
# mongoengine 0.29.3: a list of embedded documents cannot be filtered once its document is gone.
#
# The list holds a weak reference to its document and makes new lists with it. In one expression, nothing else holds the
# document, so filter, exclude and their like raise ReferenceError, while indexing and iterating work.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Release(mongoengine.EmbeddedDocument):
    version = mongoengine.StringField()


class Package(mongoengine.Document):
    releases = mongoengine.EmbeddedDocumentListField(Release)


Package(releases=[Release(version="1.0"), Release(version="2.0")]).save()
print([release.version for release in Package.objects.first().releases])
package = Package.objects.first()
print([release.version for release in package.releases.filter(version="1.0")])
try:
    print([release.version for release in Package.objects.first().releases.filter(version="1.0")])
except ReferenceError as error:
    print("ReferenceError:", error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['1.0', '2.0']
['1.0']
ReferenceError: weakly-referenced object no longer exists
EXPECTED
