#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: a session ends while it is in use, although its cookie is renewed each time.
#
# Flask sends the cookie of a permanent session with every response, so that it ends PERMANENT_SESSION_LIFETIME after
# the last visit. With the session in MongoDB the cookie is renewed as well, but the time that is stored, and that
# counts, only when the session changes. A user who signs in once and comes every day is signed out all the same, in the
# middle of it.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import datetime
import logging
import time

import flask
from flask_mongoengine import MongoEngineSessionInterface

from mongoengine_site import app, db

logging.disable()
app.permanent_session_lifetime = datetime.timedelta(seconds=5)


@app.get("/sign-in")
def sign_in():
    flask.session.permanent = True
    flask.session["user"] = "ann"
    return ""


@app.get("/")
def show():
    return flask.session.get("user", "nobody")


for interface in app.session_interface, MongoEngineSessionInterface(db):
    app.session_interface = interface
    client = app.test_client()
    client.get("/sign-in")
    seen = []
    for _ in range(2):
        time.sleep(3.5)
        response = client.get("/")
        seen.append((response.text, "cookie renewed" if "Set-Cookie" in response.headers else "no cookie"))
    print(type(interface).__name__, *seen)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
SecureCookieSessionInterface ('ann', 'cookie renewed') ('ann', 'cookie renewed')
MongoEngineSessionInterface ('ann', 'cookie renewed') ('nobody', 'no cookie')
EXPECTED
