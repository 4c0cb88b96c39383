#!/usr/bin/env bash
# Flask-Admin 2.2.1: nobody can save the form of a mongoengine document without a value for each optional URLField.
#
# A browser sends an empty text for an input that is left empty. The form finds that valid, as Optional() is among its
# validators, and then stores the empty text, which the document refuses: it is no URL. It is the same with an
# EmailField, and with a StringField that has a regex. By mongoengine's documentation fields are not required unless
# they say so; the form of an IntField leaves it out. No document without a homepage can be made or changed.
. "$(dirname "$0")/lib/setup.bash" Flask-Admin==2.2.1 Flask==3.1.3 WTForms==3.3.2 email-validator==2.4.0 \
    mongoengine==0.29.3 mongomock==4.3.0 pymongo==4.20.1

python - >"$folder/seen" 2>"$folder/log" <<'PYTHON'
import flask
import mongoengine
import mongomock
from flask_admin import Admin
from flask_admin.contrib.mongoengine import ModelView

mongoengine.connect("test", mongo_client_class=mongomock.MongoClient)
FIELDS = {
    "age": mongoengine.IntField(),
    "summary": mongoengine.StringField(),
    "homepage": mongoengine.URLField(),
    "contact": mongoengine.EmailField(),
    "licence": mongoengine.StringField(regex="^[A-Z]"),
}
for name, field in FIELDS.items():
    model = type("Package", (mongoengine.Document,), {name: field, "name": mongoengine.StringField()})
    app = flask.Flask(__name__)
    app.secret_key = "secret"
    Admin(app).add_view(ModelView(model))
    model.drop_collection()
    model(name="kiln").save()
    answer = app.test_client().post("/admin/package/new/", data={"name": "oven", name: ""})
    print(type(field).__name__, name, answer.status_code, [package.name for package in model.objects])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
IntField age 302 ['kiln', 'oven']
StringField summary 302 ['kiln', 'oven']
URLField homepage 200 ['kiln']
EmailField contact 200 ['kiln']
StringField licence 200 ['kiln']
EXPECTED
