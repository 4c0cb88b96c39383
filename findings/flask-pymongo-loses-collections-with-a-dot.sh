#!/usr/bin/env bash
# Flask-PyMongo 3.0.1 with PyMongo 4.20.1 cannot reach a collection with a dot in its name by way of its first part.
#
# In PyMongo, database.fs.files is the collection "fs.files", one of those that GridFS makes, and the same is meant to
# work in Flask-PyMongo's own classes. They look for the database in a private attribute that PyMongo no longer has,
# take the collection "fs._Collection__database" instead, and fail. Only database["fs.files"] works.
. "$(dirname "$0")/lib/setup.bash" flask-pymongo==3.0.1 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import flask_pymongo.wrappers
import pymongo

for client_class in (pymongo.MongoClient, flask_pymongo.wrappers.MongoClient):
    database = client_class("127.0.0.1", connect=False).test
    print(client_class.__module__)
    for find in (lambda: database["fs.files"], lambda: database.fs.files, lambda: database.fs["files"]):
        try:
            print(" ", find().name)
        except AttributeError as error:
            print(" ", str(error).split(".")[0])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pymongo.synchronous.mongo_client
  fs.files
  fs.files
  fs.files
flask_pymongo.wrappers
  fs.files
  Collection has no attribute '_Collection__database'
  Collection has no attribute '_Collection__database'
EXPECTED
