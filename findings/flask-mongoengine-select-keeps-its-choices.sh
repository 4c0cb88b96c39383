#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: a QuerySetSelectField offers the documents of its first use for ever.
#
# The queryset is written once, in the class of the form, and keeps its results; the field only rewinds it. A document
# that is added later does not appear until the process is restarted, and a deleted one stays, though it is refused when
# chosen. ModelSelectField, which makes a queryset for each form, shows the current documents.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0 \
    Flask-WTF==1.3.0 WTForms==3.3.2

python - >"$folder/seen" <<'PYTHON'
from flask_mongoengine.wtf.fields import ModelSelectField, QuerySetSelectField
from flask_wtf import FlaskForm

from mongoengine_site import app, db


class License(db.Document):
    name = db.StringField()


class Form(FlaskForm):
    queryset = QuerySetSelectField(queryset=License.objects, label_attr="name")
    model = ModelSelectField(model=License, label_attr="name")


def show():
    with app.test_request_context():
        for field in Form():
            print(field.name, [label for _, label, *_ in field.iter_choices()])


License(name="MIT").save()
show()
License(name="BSD").save()
License.objects(name="MIT").delete()
show()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
queryset ['MIT']
model ['MIT']
queryset ['MIT']
model ['BSD']
EXPECTED
