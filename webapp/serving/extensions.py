"""The extensions, not yet bound to an application; `create_app` binds them."""

from flask_bootstrap import Bootstrap5
from flask_mailman import Mail
from flask_wtf import CSRFProtect

from webapp.rules.signatures import SignatureVerifier
from webapp.serving.per_app import PerApp

bootstrap = Bootstrap5()
csrf = CSRFProtect()
mail = Mail()
# Absent unless VERIFY_ATTESTATIONS is set.
signature_verifier = PerApp[SignatureVerifier | None]("signature_verifier")
