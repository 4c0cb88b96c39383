#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: a form that is made with `instance` shows empty fields.
#
# ModelForm takes the document to edit as `instance`, and fills the fields from it if there is no form data. What it
# checks for that is its own parameter, whose default is a marker of Flask-WTF's that is never false. The page to edit a
# document is empty; and sent back as it is, it empties the document. With `obj`, or with formdata=None, the fields are
# filled.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0 \
    Flask-WTF==1.3.0 WTForms==3.3.2

python - >"$folder/seen" <<'PYTHON'
from mongoengine_site import app, db


class Package(db.Document):
    summary = db.StringField()


package = Package(summary="An example").save()
Form = Package.to_wtf_form(exclude=["id"])
with app.test_request_context():
    print("instance:", Form(instance=package).summary.data)
    print("instance, formdata=None:", Form(None, instance=package).summary.data)
    print("obj:", Form(obj=package).summary.data)
    sent = {"summary": Form(instance=package).summary._value()}
with app.test_request_context(method="POST", data=sent):
    Form(instance=package).save()
print("saved:", Package.objects.get().summary)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
instance: None
instance, formdata=None: An example
obj: An example
saved: None
EXPECTED
