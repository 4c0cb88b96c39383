#!/usr/bin/env bash
# mongoengine 0.29.3: clear() of a list is not saved.
#
# A list in a document notes that it has changed, so that `save` writes it. append, extend, insert, pop, remove,
# reverse, sort, += and `del` do so; clear does not, though that of a dictionary does. The object is empty, and the
# database keeps everything.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    keywords = mongoengine.ListField(mongoengine.StringField())


Package(keywords=["web", "http"]).save()
package = Package.objects.first()
package.keywords.clear()
package.save()
print(package.keywords, Package.objects.first().keywords)
package = Package.objects.first()
del package.keywords[:]
package.save()
print(package.keywords, Package.objects.first().keywords)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
[] ['web', 'http']
[] []
EXPECTED
