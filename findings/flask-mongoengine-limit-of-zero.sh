#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: a form does not know a lower limit of 0.
#
# Its documentation promises a NumberRange validator "if database field definition has any of min_value or max_value". A
# limit of 0 counts as none. The form accepts -1, and saving it raises ValidationError: the user sees a server error and
# no message beside the field. With min_value=1 the form says what is wrong.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0 \
    Flask-WTF==1.3.0 WTForms==3.3.2

python - >"$folder/seen" <<'PYTHON'
import mongoengine

from mongoengine_site import app, db


class Package(db.Document):
    downloads = db.IntField(min_value=0)
    stars = db.IntField(min_value=1)


Form = Package.to_wtf_form(exclude=["id"])
with app.test_request_context(method="POST", data={"stars": "-1"}):
    form = Form()
    print(form.validate(), form.errors)
with app.test_request_context(method="POST", data={"downloads": "-1"}):
    form = Form()
    print(form.validate(), form.errors)
    try:
        form.save()
    except mongoengine.ValidationError as error:
        print("ValidationError:", error.errors["downloads"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
False {'stars': ['Number must be at least 1.']}
True {}
ValidationError: Integer value is too small
EXPECTED
