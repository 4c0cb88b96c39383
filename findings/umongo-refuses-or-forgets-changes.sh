#!/usr/bin/env bash
# umongo 4.0.0 refuses some changes of its lists and dictionaries, and forgets others.
#
# Its List and Dict are subclasses of list and dict that note when they are changed. A slice is given to the field of a
# single element, which refuses it, and update() takes neither keywords nor pairs. +=, *= and |= are not noted if they
# are used on a name for the list or dictionary, nor is clear() of a dictionary: commit() does not save them.
. "$(dirname "$0")/lib/setup.bash" umongo==4.0.0 mongomock==4.3.0 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import marshmallow
import mongomock
from umongo import Document, fields
from umongo.frameworks import MongoMockInstance

database = mongomock.MongoClient().test
instance = MongoMockInstance(database)


@instance.register
class Package(Document):
    tags = fields.ListField(fields.StrField())
    sizes = fields.DictField(fields.StrField(), fields.IntField())


CHANGES = [
    'tags.append("c")',
    'tags[1:] = ["c"]',
    'tags += ["c"]',
    "tags *= 2",
    'sizes.update({"wheel": 2})',
    "sizes.update(wheel=2)",
    'sizes.update([("wheel", 2)])',
    'sizes |= {"wheel": 2}',
    "sizes.clear()",
]
for change in CHANGES:
    package = Package(tags=["a", "b"], sizes={"sdist": 1})
    package.commit()
    before = database.package.find_one()
    try:
        exec(change, {"tags": package.tags, "sizes": package.sizes})
    except (AttributeError, TypeError, marshmallow.ValidationError) as error:
        print(f"{change}: {error}")
    else:
        package.commit()
        print(f"{change}: {'not saved' if database.package.find_one() == before else 'saved'}")
    package.delete()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
tags.append("c"): saved
tags[1:] = ["c"]: Not a valid string.
tags += ["c"]: not saved
tags *= 2: not saved
sizes.update({"wheel": 2}): saved
sizes.update(wheel=2): Dict.update() got an unexpected keyword argument 'wheel'
sizes.update([("wheel", 2)]): 'list' object has no attribute 'items'
sizes |= {"wheel": 2}: not saved
sizes.clear(): not saved
EXPECTED
