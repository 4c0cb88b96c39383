#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: the form of a DateTimeField refuses what a browser sends for a full minute.
#
# HTML has <input type="datetime-local"> send the shortest form of the time, so a browser leaves seconds of zero out:
# 2026-01-02T10:00. WTForms's own field reads that; flask-mongoengine hands it a list of formats that all have seconds.
# So nobody can choose ten o'clock sharp, and whoever opens the form of such a document cannot save it.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0 \
    Flask-WTF==1.3.0 WTForms==3.3.2

python - >"$folder/seen" <<'PYTHON'
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField

from mongoengine_site import app, db


class Release(db.Document):
    uploaded = db.DateTimeField()


class WTFormsOwn(FlaskForm):
    uploaded = DateTimeLocalField()


for form_class in WTFormsOwn, Release.to_wtf_form(exclude=["id"]):
    for sent in "2026-01-02T10:00:01", "2026-01-02T10:00":
        with app.test_request_context(method="POST", data={"uploaded": sent}):
            form = form_class()
            print(form_class.__name__, sent, form.validate(), form.errors)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
WTFormsOwn 2026-01-02T10:00:01 True {}
WTFormsOwn 2026-01-02T10:00 True {}
ReleaseForm 2026-01-02T10:00:01 True {}
ReleaseForm 2026-01-02T10:00 False {'uploaded': ['Not a valid datetime value.']}
EXPECTED
