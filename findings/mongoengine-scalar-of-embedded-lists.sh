#!/usr/bin/env bash
# mongoengine 0.29.3: QuerySet.scalar cannot reach into a list of embedded documents.
#
# Filters, `only` and `distinct` accept `releases__version`; `scalar` accepts it too, asks the server, and then looks
# for the attribute on the list.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Release(mongoengine.EmbeddedDocument):
    version = mongoengine.StringField()


class Package(mongoengine.Document):
    releases = mongoengine.EmbeddedDocumentListField(Release)


Package(releases=[Release(version="1.0")]).save()
print(Package.objects(releases__version="1.0").count(), Package.objects.distinct("releases.version"))
try:
    print(list(Package.objects.scalar("releases__version")))
except AttributeError as error:
    print("AttributeError:", error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
1 ['1.0']
AttributeError: 'EmbeddedDocumentList' object has no attribute 'version'
EXPECTED
