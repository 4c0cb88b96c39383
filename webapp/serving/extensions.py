"""The extensions, not yet bound to an application; `create_app` binds them."""

from flask_bootstrap import Bootstrap5
from flask_mailman import Mail
from flask_wtf import CSRFProtect

bootstrap = Bootstrap5()
csrf = CSRFProtect()
mail = Mail()
