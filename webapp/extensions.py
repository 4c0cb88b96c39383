"""The extensions, not yet bound to an application; `create_app` binds them."""

from flask_bootstrap import Bootstrap5
from flask_mongoengine import MongoEngine
from flask_wtf import CSRFProtect

db = MongoEngine()
bootstrap = Bootstrap5()
csrf = CSRFProtect()
