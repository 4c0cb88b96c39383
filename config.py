"""Every setting of Larder, with its default. Each can be set by an environment variable of the same name.

`config_from_environment` chooses a class by LARDER_ENV and applies the environment variables. `create_app` validates
the result, so importing this module never fails.
"""

import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent


class Config:
    """Defaults shared by all configurations."""

    # Secret key that signs sessions and forms. Required in production.
    SECRET_KEY = "development only, not a secret"  # noqa: S105 - production refuses it
    # MongoDB connection string, including the database name. Empty: start the embedded MongoDB in MONGODB_DIR.
    MONGODB_URI = ""
    # Data directory of the embedded MongoDB.
    MONGODB_DIR = str(ROOT / "var" / "mongodb")
    # Maximum milliseconds for one database operation, including server selection.
    MONGODB_TIMEOUT_MS = 2500
    # Seconds that `flask serve` waits for the database at startup.
    MONGODB_WAIT_S = 60
    # Maximum number of database connections per web process.
    MONGODB_POOL = 32
    # Name of the site, shown in pages, feeds and emails.
    SITE_NAME = "Larder"
    # Who can read the site: "public", or "members", who sign in or use an API token.
    READ_ACCESS = "public"
    # Public URL of the site ("https://packages.example.org"). Empty: pages use the host of the request, and emails
    # contain links only while `flask serve` listens on a loopback address.
    SITE_URL = ""
    # Seconds that each web process caches a public page; 0 disables the cache.
    PAGE_CACHE_S = 3
    # Maximum size of that cache in bytes, per web process.
    PAGE_CACHE_BYTES = 16_000_000
    # Maximum size in bytes of the small files that each web process keeps in memory; 0 keeps none.
    FILE_CACHE_BYTES = 32_000_000
    # Seconds until counts and statistics are recomputed.
    STATS_MAX_AGE_S = 60
    # Seconds between writes of download counts by each web process; 0 writes each download immediately.
    DOWNLOADS_WRITTEN_EVERY_S = 5
    # Seconds that browsers cache stylesheets, scripts and images. Their URLs change with their contents.
    SEND_FILE_MAX_AGE_DEFAULT = 2_592_000
    # Log level: DEBUG, INFO, WARNING or ERROR.
    LOG_LEVEL = "INFO"
    # Log format: "text" for people, "json" for programs.
    LOG_FORMAT = "text"
    # 1: serve Prometheus metrics at /metrics. Block that path from the public in the proxy.
    METRICS = 0
    # Maximum size of a request body in bytes.
    MAX_CONTENT_LENGTH = 1_000_000
    # Maximum size of an uploaded file in bytes.
    MAX_FILE_BYTES = 100_000_000
    # Maximum total size in bytes of the files of one project, and of all files uploaded by one account.
    PROJECT_BYTES = 10_000_000_000
    ACCOUNT_BYTES = 50_000_000_000
    # Bytes of free disk space that uploads must leave on the database server.
    DISK_RESERVE_BYTES = 2_000_000_000
    # 1: verify who signed the attestations of uploads. Needs requirements-attestations.txt.
    VERIFY_ATTESTATIONS = 0
    # Issuers of OpenID Connect whose pipelines may publish without a stored token, separated by commas, such as
    # https://token.actions.githubusercontent.com and https://gitlab.com. Empty: none.
    TRUSTED_ISSUERS = ""
    # Audience that the tokens of pipelines must be for. Empty: the host of SITE_URL.
    TRUSTED_AUDIENCE = ""
    # Issuer of the identity provider at which members sign in (https://login.example.org/realms/acme). Empty: none.
    OIDC_ISSUER = ""
    # The client's id and secret at the provider. Without a secret, PKCE alone protects the exchange.
    OIDC_CLIENT_ID = ""
    OIDC_CLIENT_SECRET = ""
    # Name of the provider on the sign-in page. Empty: its host.
    OIDC_NAME = ""
    # Scopes to ask for, separated by commas.
    OIDC_SCOPES = "openid,email,profile"
    # Claims that members must have, separated by commas: "hd=acme.example,amr=mfa". Empty: any account of the provider.
    OIDC_REQUIRED_CLAIMS = ""
    # 1: connect an existing account at the first sign-in if the provider verified that its address is theirs.
    OIDC_LINK_BY_EMAIL = 0
    # 1: create an account at the first sign-in of somebody who has none.
    OIDC_CREATE_ACCOUNTS = 0
    # Claim with the groups that lead to teams, and the groups whose members are administrators, separated by commas.
    OIDC_GROUPS_CLAIM = ""
    OIDC_ADMIN_GROUPS = ""
    # Who can sign in with a password or passkey of this site: "on" for everybody, "admins" or "off".
    LOCAL_SIGN_IN = "on"
    # Images in descriptions: "off" shows links to them, "proxy" fetches them once and serves them from this site.
    DESCRIPTION_IMAGES = "off"
    # Maximum total size of these images in bytes; the least recently used are removed first.
    DESCRIPTION_IMAGES_BYTES = 500_000_000
    # Simple index to use for projects that are not on this site, such as https://pypi.org/simple/. Empty: none.
    UPSTREAM_INDEX = ""
    # Comma-separated names that are never looked up upstream; * is a wildcard: "acme,acme-*".
    RESERVED_NAMES = ""
    # Hosts, besides the index's own, that may serve its files, separated by commas.
    UPSTREAM_FILE_HOSTS = "files.pythonhosted.org"
    # Days to hide files that are new upstream; 0 shows them immediately.
    UPSTREAM_COOLDOWN_DAYS = 0
    # Seconds to cache the list of files of an upstream project.
    UPSTREAM_MAX_AGE_S = 600
    # Timeout in seconds for connecting to the upstream index and for each read.
    UPSTREAM_TIMEOUT_S = 10
    # Refuse upstream files that advisories of this severity or a higher one affect: "low", "medium", "high" or
    # "critical"; "any" includes unknown severities. Empty: none.
    UPSTREAM_REFUSE_SEVERITY = ""
    # Exceptions, separated by commas: ids or CVEs of advisories, projects, and releases ("GHSA-...,jam,jam==1.0").
    UPSTREAM_REFUSE_EXCEPT = ""
    # Maximum size of an upstream file in bytes.
    UPSTREAM_MAX_FILE_BYTES = 2_000_000_000
    # Maximum total size of cached upstream files in bytes; the least recently used are removed first.
    UPSTREAM_MAX_BYTES = 50_000_000_000
    # Hosts with private addresses that webhooks may send to, separated by commas. Others need public addresses.
    WEBHOOK_PRIVATE_HOSTS = ""
    # 1: the site is only reached over HTTPS. Marks cookies as Secure and sends HSTS.
    HTTPS_ONLY = 0
    # Number of proxies in front of the site whose X-Forwarded-For and X-Forwarded-Proto headers are trusted.
    TRUSTED_PROXIES = 0
    # Seconds until a member is signed out: without activity, and in any case.
    SESSION_IDLE_S = 7200
    SESSION_ABSOLUTE_S = 43_200
    # Seconds that "Stay signed in" lasts (30 days).
    REMEMBER_S = 2_592_000
    # Failed sign-ins allowed for one account and for one address.
    SIGN_IN_FAILURES = "10/5minutes"
    # Who has to use two-factor authentication: none, admins, publishers (and administrators) or all.
    REQUIRE_2FA = "none"
    # Days that a member has to set it up, from the first visit after it is required.
    GRACE_2FA_DAYS = 14
    # Registrations allowed for one address, on the page and through /signup combined.
    REGISTRATION_LIMIT = "20/hour"
    # Emails with a link that one address may request, and that one mailbox receives.
    MAIL_LIMIT = "5/hour"
    # People whom a member may invite, or add to a team.
    INVITATION_LIMIT = "60/hour"
    # Cost of one argon2id password hash: memory in KiB, and passes.
    PASSWORD_MEMORY_KIB = 65_536
    PASSWORD_PASSES = 3
    # Milliseconds that every failed sign-in takes, so that timing does not reveal whether an account exists. Must be
    # longer than the slowest password hash imported from another site.
    FAILED_SIGN_IN_MS = 1000
    # Searches and search suggestions allowed for one address. Empty: no limit.
    SEARCH_LIMIT = "5/second"
    SUGGESTION_LIMIT = "20/second"
    # Pages allowed for one address that show the inside of files, or dependencies. Empty: no limit.
    LOOKING_LIMIT = "5/second"
    # Queries and batches of queries about advisories (uv audit, pip-audit) allowed for one address. Empty: no limit.
    OSV_LIMIT = "100/second"
    # Days to keep audit log entries.
    AUDIT_DAYS = 365
    # SMTP server for outgoing mail. Empty: write emails to MAIL_DIR instead.
    MAIL_SERVER = ""
    MAIL_PORT = 587
    MAIL_USERNAME = ""
    MAIL_PASSWORD = ""
    # 1: use STARTTLS (port 587). 1: use TLS from the start (port 465). Set at most one of them.
    MAIL_USE_TLS = 1
    MAIL_USE_SSL = 0
    # Timeout in seconds for the SMTP server.
    MAIL_TIMEOUT = 10
    # Sender of outgoing mail.
    MAIL_DEFAULT_SENDER = "larder@localhost"
    # Directory for emails when MAIL_SERVER is empty.
    MAIL_DIR = str(ROOT / "var" / "mail")
    # Background threads per web process that send mail; 0 sends it during the request.
    MAIL_THREADS = 1


class DevelopmentConfig(Config):
    """The configuration of `make run`."""

    PAGE_CACHE_S = 0


class TestingConfig(Config):
    """The configuration of the tests: nothing is cached between requests."""

    TESTING = True
    SECRET_KEY = "testing only, not a secret"  # noqa: S105 - production refuses it
    PAGE_CACHE_S = 0
    FILE_CACHE_BYTES = 0
    STATS_MAX_AGE_S = 0
    DOWNLOADS_WRITTEN_EVERY_S = 0
    REGISTRATION_LIMIT = "1000/hour"
    MAIL_LIMIT = "1000/hour"
    SEARCH_LIMIT = ""
    SUGGESTION_LIMIT = ""
    LOOKING_LIMIT = ""
    OSV_LIMIT = ""
    PASSWORD_MEMORY_KIB = 64
    PASSWORD_PASSES = 1
    FAILED_SIGN_IN_MS = 0
    MAIL_THREADS = 0


class ProductionConfig(Config):
    """The configuration of a deployed site. SECRET_KEY and MONGODB_URI must be set."""

    SECRET_KEY = ""
    HTTPS_ONLY = 1
    LOG_FORMAT = "json"


CONFIGURATIONS: dict[str, type[Config]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}

# Settings for which an empty value is meaningful: it removes the limit.
MAY_BE_EMPTY = ("SEARCH_LIMIT", "SUGGESTION_LIMIT", "LOOKING_LIMIT", "OSV_LIMIT")


class BadConfig(ValueError):
    """A setting is missing or invalid."""


def config_from_environment(environ: dict[str, str] | None = None) -> type[Config]:
    """Return the configuration named by LARDER_ENV, with environment variables applied.

    A variable without a value, such as the `SECRET_KEY=` of a copied .env.example, counts as not set. Raises BadConfig
    for an unknown LARDER_ENV and for text where a number belongs.
    """
    environ = dict(os.environ) if environ is None else environ
    name = environ.get("LARDER_ENV", "development")
    if name not in CONFIGURATIONS:
        raise BadConfig(f"LARDER_ENV is {name!r}; expected one of {', '.join(CONFIGURATIONS)}")
    base = CONFIGURATIONS[name]
    given = {key: environ[key] for key in settings() if environ.get(key) or (key in environ and key in MAY_BE_EMPTY)}
    values = {key: _value(key, text, getattr(base, key)) for key, text in given.items()}
    return type(base.__name__, (base,), values)


def settings() -> list[str]:
    """Return the names of all settings, in the order in which `Config` documents them."""
    return [key for key in vars(Config) if key.isupper()]


def _value(key: str, text: str, default: Any) -> Any:
    if not isinstance(default, int):
        return text
    if not (text.isascii() and text.isdecimal()):
        raise BadConfig(f"{key} is {text!r}; expected a whole number")
    return int(text)
