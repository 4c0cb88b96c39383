#!/usr/bin/env bash
# flask-mongoengine-3 1.1.0: the uuidRepresentation in the address of the database has no effect.
#
# MongoDB's connection string may say how UUIDs are stored, and pymongo and mongoengine.connect() obey.
# flask-mongoengine adds uuidRepresentation="standard" to every connection without one of its own, and an argument wins
# over the address. On a database with UUIDs in the old form, documents stored before are no longer found by them, and
# the new ones differ.
. "$(dirname "$0")/lib/setup.bash" flask-mongoengine-3==1.1.0 Flask==3.1.3 mongoengine==0.29.3 mongomock==4.3.0

python - >"$folder/seen" <<'PYTHON'
import uuid

import bson
import flask
import mongoengine
from flask_mongoengine import MongoEngine

host = "mongodb://127.0.0.1/test?uuidRepresentation=pythonLegacy"


def subtype():
    stored = bson.encode({"owner": uuid.UUID(int=1)}, codec_options=mongoengine.get_db().codec_options)
    return bson.decode(stored)["owner"].subtype


mongoengine.connect(host=host, connect=False)
print("mongoengine", subtype())
mongoengine.disconnect()

app = flask.Flask("index")
app.config["MONGODB_SETTINGS"] = {"host": host, "connect": False}
MongoEngine(app)
print("flask-mongoengine", subtype())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
mongoengine 3
flask-mongoengine 4
EXPECTED
