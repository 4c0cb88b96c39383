#!/usr/bin/env bash
# mongoengine 0.29.3: |= on a dictionary is not saved.
#
# A dictionary in a document notes that update() and setdefault() have changed it, so that `save` writes it. Python's
# own |= changes it too, and nobody notices: `save` writes nothing, although the statement assigns the attribute.
. "$(dirname "$0")/lib/setup.bash" mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import mongoengine, mongomock

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)


class Package(mongoengine.Document):
    links = mongoengine.DictField()


Package(links={"Docs": "https://docs.example"}).save()
package = Package.objects.first()
package.links |= {"Source": "https://source.example"}
package.save()
print(sorted(package.links), sorted(Package.objects.first().links))
package = Package.objects.first()
package.links.update({"Source": "https://source.example"})
package.save()
print(sorted(package.links), sorted(Package.objects.first().links))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
['Docs', 'Source'] ['Docs']
['Docs', 'Source'] ['Docs', 'Source']
EXPECTED
