#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: saving the form of a DictField unchanged turns the dates in it into text.
#
# The form shows the dictionary as JSON, written by Flask, for which a date is an HTTP date, and reads it back with no
# idea of dates. Whoever corrects another field of the document stores text in the place of a date, and nothing warns.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0 \
    Flask-WTF==1.3.0 WTForms==3.3.2

python - >"$folder/seen" <<'PYTHON'
import datetime

from mongoengine_site import app, db


class Package(db.Document):
    name = db.StringField()
    extra = db.DictField()


Package(name="exmaple", extra={"seen": datetime.datetime(2026, 1, 2)}).save()
Form = Package.to_wtf_form(exclude=["id"])
with app.test_request_context():
    shown = Form(obj=Package.objects.get()).extra._value()
with app.test_request_context(method="POST", data={"name": "example", "extra": shown}):
    form = Form(obj=Package.objects.get())
    print(form.validate())
    form.save()
print(Package.objects.get().extra)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
True
{'seen': 'Fri, 02 Jan 2026 00:00:00 GMT'}
EXPECTED
