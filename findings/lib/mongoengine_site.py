"""A Flask application whose documents are kept by flask-mongoengine in mongomock."""

import flask
import mongomock
from flask_mongoengine import MongoEngine

app = flask.Flask("index")
app.config["SECRET_KEY"] = "a key"
app.config["WTF_CSRF_ENABLED"] = False
app.config["MONGODB_SETTINGS"] = {"db": "test", "mongo_client_class": mongomock.MongoClient}
db = MongoEngine(app)
