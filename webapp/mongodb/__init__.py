"""MongoDB itself: the connection, its errors, and the embedded server."""

from flask_mongoengine import MongoEngine

# Not yet bound to an application: `connection.init_app` binds it.
db = MongoEngine()
