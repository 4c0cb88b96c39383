#!/usr/bin/env bash
# mongoengine 0.29.3: a key with a dot can be stored, but not added to a dictionary later.
#
# MongoDB has allowed dots in keys since 3.6, and mongoengine stores a dictionary with one, whole. To write a key that
# was added, it asks for the path links.docs.example, and its own search for the field of that name ends in an
# AttributeError.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    links = mongoengine.DictField()


Package(links={"docs.example": "https://docs.example"}).save()
package = Package.objects.first()
print(package.links)
package.links["source.example"] = "https://source.example"
try:
    package.save()
except AttributeError as error:
    print("AttributeError:", error)
package = Package.objects.first()
print(package.links)
package.links = {**package.links, "source.example": "https://source.example"}
package.save()
print(Package.objects.first().links)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'docs.example': 'https://docs.example'}
AttributeError: 'NoneType' object has no attribute '_reverse_db_field_map'
{'docs.example': 'https://docs.example'}
{'docs.example': 'https://docs.example', 'source.example': 'https://source.example'}
EXPECTED
