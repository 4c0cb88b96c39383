#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: jsonify() of a queryset with scalar() gives documents, not the values.
#
# For JSON it asks the queryset for raw documents, which takes precedence over scalar(). A list made of the queryset has
# the values. Whoever writes jsonify(Package.objects.scalar("name")) for a list of names also sends every _id.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import flask

from mongoengine_site import app, db


class Package(db.Document):
    name = db.StringField(primary_key=True)
    downloads = db.IntField()


Package(name="example", downloads=7).save()
downloads = Package.objects.scalar("downloads")
with app.test_request_context():
    print(flask.jsonify(list(downloads)).json)
    print(flask.jsonify(downloads).json)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
[7]
[{'_id': 'example', 'downloads': 7}]
EXPECTED
