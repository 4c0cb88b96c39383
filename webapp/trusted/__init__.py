"""Trusted publishing: pipelines exchange a token of their issuer for one that uploads to a project."""

from urllib.parse import urlsplit

from flask import Flask

from config import BadConfig
from webapp.openid.providers import Provider, audience_of, issuers
from webapp.trusted.views import bp

__all__ = ["bp", "init_app"]


def init_app(app: Flask) -> None:
    """Prepare the issuers in TRUSTED_ISSUERS. Raises BadConfig."""
    addresses = [each.strip() for each in app.config["TRUSTED_ISSUERS"].split(",") if each.strip()]
    issuers.set(app, {each: Provider(each, "TRUSTED_ISSUERS") for each in addresses})
    audience = app.config["TRUSTED_AUDIENCE"] or urlsplit(app.config["SITE_URL"]).hostname or ""
    if addresses and not audience:
        raise BadConfig("TRUSTED_ISSUERS needs SITE_URL, or TRUSTED_AUDIENCE: whom the tokens of pipelines are for")
    audience_of.set(app, audience)
