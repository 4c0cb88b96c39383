"""The extensions, not yet bound to an application; `create_app` binds them."""

from flask_bootstrap import Bootstrap5
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_mailman import Mail
from flask_wtf import CSRFProtect

bootstrap = Bootstrap5()
csrf = CSRFProtect()
login_manager = LoginManager()
# Ten in five minutes are ten in any five minutes; a fixed window lets twice as many pass around its edge.
limiter = Limiter(get_remote_address, strategy="moving-window")
mail = Mail()
