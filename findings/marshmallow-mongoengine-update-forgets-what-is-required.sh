#!/usr/bin/env bash
# marshmallow-mongoengine 0.31.2: after an update() that fails, the schema loads documents without required fields.
#
# update() ignores, as it documents, that fields are required, and demands them again afterwards, but not if the data
# is not valid: then the ValidationError leaves the fields of this schema as they are. One bad request to a schema that
# a program keeps turns the check off for all the later ones.
. "$(dirname "$0")/lib/setup.bash" \
    marshmallow-mongoengine==0.31.2 marshmallow==4.4.0 mongoengine==0.29.3 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import mongoengine
from marshmallow import ValidationError
from marshmallow_mongoengine import ModelSchema


class Package(mongoengine.Document):
    name = mongoengine.StringField(required=True)
    downloads = mongoengine.IntField()


class PackageSchema(ModelSchema):
    class Meta:
        model = Package


def ask(title, does):
    try:
        print(title, does().to_mongo().to_dict())
    except ValidationError as error:
        print(title, error)


schema = PackageSchema()
for downloads in 1, "many":
    ask("update", lambda: schema.update(Package(name="kiln"), {"downloads": downloads}))
    ask("load", lambda: schema.load({"downloads": 2}))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
update {'name': 'kiln', 'downloads': 1}
load {'name': ['Missing data for required field.']}
update {'downloads': ['Not a valid integer.']}
load {'downloads': 2}
EXPECTED
