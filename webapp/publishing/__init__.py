"""Uploads, in the form that twine, uv, flit, poetry and hatch send."""

from flask import Flask

from config import BadConfig
from webapp.publishing import file_uploads, session_api, views, yanking
from webapp.publishing.views import bp
from webapp.rules.signatures import SignatureVerifier
from webapp.serving.extensions import signature_verifier

__all__ = ["bp", "file_uploads", "init_app", "session_api", "views", "yanking"]

bp.register_blueprint(session_api.api)


def init_app(app: Flask) -> None:
    """Prepare to verify attestations, if VERIFY_ATTESTATIONS is set. Raises BadConfig without the library for it."""
    signature_verifier.set(app, None)
    if app.config["VERIFY_ATTESTATIONS"]:
        try:
            signature_verifier.set(app, SignatureVerifier())
        except ImportError as error:
            raise BadConfig(
                f"VERIFY_ATTESTATIONS needs requirements-attestations.txt to be installed (no module {error.name})"
            ) from None
