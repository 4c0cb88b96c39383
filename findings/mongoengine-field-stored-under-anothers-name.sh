#!/usr/bin/env bash
# mongoengine 0.29.3: a field that is stored under the name of another field is None when it is read.
#
# The keys in the database differ, so both values are stored and found by queries. When the document is read, the value
# of the first field is gone.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    name = mongoengine.StringField(db_field="title")
    title = mongoengine.StringField(db_field="headline")


Package(name="flask", title="A microframework").save()
print(Package.objects.as_pymongo().exclude("id").first())
print(Package.objects(name="flask", title="A microframework").count())
package = Package.objects.first()
print(package.name, package.title)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'title': 'flask', 'headline': 'A microframework'}
1
None A microframework
EXPECTED
