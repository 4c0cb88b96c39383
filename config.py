"""Every setting of Larder: its default, its meaning, and the environment variable of the same name.

`config_from_environment` picks a class by LARDER_ENV and lays the environment over it. What must hold is checked by
`create_app`, so that importing this module never fails.
"""

import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent


class Config:
    """What all configurations share."""

    # Secret that signs sessions and forms. Production requires one of its own.
    SECRET_KEY = "development only, not a secret"  # noqa: S105 - production refuses it
    # The MongoDB to use, with the database's name; empty means the embedded one in MONGODB_DIR.
    MONGODB_URI = ""
    # Where the embedded MongoDB keeps its data.
    MONGODB_DIR = str(ROOT / "var" / "mongodb")
    # Milliseconds that one operation on the database may take, finding a server included.
    MONGODB_TIMEOUT_MS = 2500
    # Seconds for which `flask serve` waits at its start for a database that does not answer yet.
    MONGODB_WAIT_S = 60
    # Connections that one web process holds at most.
    MONGODB_POOL = 32
    # Name of the site, in its pages and feeds.
    SITE_NAME = "Larder"
    # Who reads the site: public, or members, who sign in, and whose programs use an API token.
    READ_ACCESS = "public"
    # Address under which readers reach the site ("https://packages.example.org"). Empty: pages use the address of the
    # request, and mails carry links only while `flask serve` listens on a loopback address.
    SITE_URL = ""
    # Seconds for which each web process keeps the bytes of a public page; 0 makes every page anew.
    PAGE_CACHE_S = 3
    # Bytes of such pages that each web process keeps at most.
    PAGE_CACHE_BYTES = 16_000_000
    # Seconds after which the counts and statistics are computed again.
    STATS_MAX_AGE_S = 60
    # Seconds after which each web process writes the downloads that it counted; 0 writes each at once.
    DOWNLOADS_WRITTEN_EVERY_S = 5
    # Seconds for which browsers keep stylesheets, scripts and pictures; their addresses change when they do.
    SEND_FILE_MAX_AGE_DEFAULT = 2_592_000
    # Level of the log: DEBUG, INFO, WARNING or ERROR.
    LOG_LEVEL = "INFO"
    # Form of its lines: "text" for people, "json" for programs.
    LOG_FORMAT = "text"
    # 1: /metrics tells Prometheus what the site does. The proxy in front must keep it from the public.
    METRICS = 0
    # Bytes of a request's body that are accepted at most.
    MAX_CONTENT_LENGTH = 1_000_000
    # Bytes that an uploaded file may have.
    MAX_FILE_BYTES = 100_000_000
    # Bytes that the files of one project, and all files that one account uploaded, may have together.
    PROJECT_BYTES = 10_000_000_000
    ACCOUNT_BYTES = 50_000_000_000
    # Bytes of the database's disk that uploads leave free.
    DISK_RESERVE_BYTES = 2_000_000_000
    # The simple index that is asked for projects that are not here, such as https://pypi.org/simple/; empty: none.
    UPSTREAM_INDEX = ""
    # Names that are never asked for there, with commas; * stands for any letters: "acme,acme-*".
    RESERVED_NAMES = ""
    # Days for which files that are new there are hidden; 0 shows them at once.
    UPSTREAM_COOLDOWN_DAYS = 0
    # Seconds for which what is known of a project there serves without asking again.
    UPSTREAM_MAX_AGE_S = 600
    # Seconds to wait for an answer from there, and for each part of it.
    UPSTREAM_TIMEOUT_S = 10
    # Bytes that a file from there may have.
    UPSTREAM_MAX_FILE_BYTES = 2_000_000_000
    # Bytes of files from there that are kept at most; past it, those go that were used longest ago.
    UPSTREAM_MAX_BYTES = 50_000_000_000
    # 1: readers reach the site by HTTPS alone. Cookies are Secure then, and browsers are told so (HSTS).
    HTTPS_ONLY = 0
    # Number of proxies in front of the site whose X-Forwarded-For and X-Forwarded-Proto are believed.
    TRUSTED_PROXIES = 0
    # Seconds without a request after which a member is signed out, and seconds after which in any case.
    SESSION_IDLE_S = 7200
    SESSION_ABSOLUTE_S = 43_200
    # Seconds for which "Stay signed in" keeps a member signed in: 30 days.
    REMEMBER_S = 2_592_000
    # Failed sign-ins allowed for one account and for one address.
    SIGN_IN_FAILURES = "10/5minutes"
    # Attempts to register allowed for one address, on the page and by /signup together.
    REGISTRATION_LIMIT = "20/hour"
    # Mails with a link that are sent at one address's request, and that one mailbox gets.
    MAIL_LIMIT = "5/hour"
    # Memory in KiB and passes that one argon2id hash of a password takes.
    PASSWORD_MEMORY_KIB = 65_536
    PASSWORD_PASSES = 3
    # Milliseconds that a failed sign-in takes, so that its time does not tell whether there is such an account: longer
    # than the slowest hash that another site left here.
    FAILED_SIGN_IN_MS = 1000
    # Searches, and suggestions while one types, that one address may make; empty for any number.
    SEARCH_LIMIT = "5/second"
    SUGGESTION_LIMIT = "20/second"
    # Days for which the audit log keeps an act.
    AUDIT_DAYS = 365
    # The SMTP server that takes the site's mails; empty means that they are written to MAIL_DIR.
    MAIL_SERVER = ""
    MAIL_PORT = 587
    MAIL_USERNAME = ""
    MAIL_PASSWORD = ""
    # 1: encrypt by STARTTLS (port 587). 1: encrypt from the first byte (port 465). One of them at most.
    MAIL_USE_TLS = 1
    MAIL_USE_SSL = 0
    # Seconds to wait for the SMTP server.
    MAIL_TIMEOUT = 10
    # Whom the mails come from.
    MAIL_DEFAULT_SENDER = "larder@localhost"
    # Where mails are written when there is no server for them.
    MAIL_DIR = str(ROOT / "var" / "mail")
    # Threads of each web process that send mails beside the requests; 0 sends within the request.
    MAIL_THREADS = 1


class DevelopmentConfig(Config):
    """What `make run` uses."""

    PAGE_CACHE_S = 0


class TestingConfig(Config):
    """What the tests use: nothing is kept between two requests."""

    TESTING = True
    SECRET_KEY = "testing only, not a secret"  # noqa: S105 - production refuses it
    PAGE_CACHE_S = 0
    STATS_MAX_AGE_S = 0
    DOWNLOADS_WRITTEN_EVERY_S = 0
    REGISTRATION_LIMIT = "1000/hour"
    MAIL_LIMIT = "1000/hour"
    SEARCH_LIMIT = ""
    SUGGESTION_LIMIT = ""
    PASSWORD_MEMORY_KIB = 64
    PASSWORD_PASSES = 1
    FAILED_SIGN_IN_MS = 0
    MAIL_THREADS = 0


class ProductionConfig(Config):
    """What a public site uses. SECRET_KEY and MONGODB_URI have no default here."""

    SECRET_KEY = ""
    HTTPS_ONLY = 1
    LOG_FORMAT = "json"


CONFIGURATIONS: dict[str, type[Config]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}

# Settings whose empty value means something else than their default: no limit.
MAY_BE_EMPTY = ("SEARCH_LIMIT", "SUGGESTION_LIMIT")


class BadConfig(ValueError):
    """A setting is missing or has a value that it cannot have."""


def config_from_environment(environ: dict[str, str] | None = None) -> type[Config]:
    """Return the configuration that LARDER_ENV names, with the environment's values laid over it.

    A variable without a value, such as the `SECRET_KEY=` of a copied .env.example, counts as not set. Raises BadConfig
    for an unknown LARDER_ENV and for text where a number belongs.
    """
    environ = dict(os.environ) if environ is None else environ
    name = environ.get("LARDER_ENV", "development")
    if name not in CONFIGURATIONS:
        raise BadConfig(f"LARDER_ENV is {name!r}; it can be {', '.join(CONFIGURATIONS)}")
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
        raise BadConfig(f"{key} is {text!r}; it must be a whole number")
    return int(text)
