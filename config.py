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
    # Milliseconds that one operation on the database may take, and that finding a server may take.
    MONGODB_TIMEOUT_MS = 5000
    MONGODB_SELECT_MS = 2000
    # Connections that one web process holds at most.
    MONGODB_POOL = 32
    # Name of the site, in its pages and feeds.
    SITE_NAME = "Larder"
    # Address under which readers reach the site ("https://packages.example.org"); empty means the request's own.
    SITE_URL = ""
    # Seconds for which each web process keeps the bytes of a public page; 0 makes every page anew.
    PAGE_CACHE_S = 3
    # Bytes of such pages that each web process keeps at most.
    PAGE_CACHE_BYTES = 16_000_000
    # Seconds after which the counts and statistics are computed again.
    STATS_MAX_AGE_S = 60
    # Seconds for which browsers keep stylesheets, scripts and pictures; their addresses change when they do.
    SEND_FILE_MAX_AGE_DEFAULT = 2_592_000
    # Level of the log: DEBUG, INFO, WARNING or ERROR.
    LOG_LEVEL = "INFO"
    # Bytes of a request's body that are accepted at most.
    MAX_CONTENT_LENGTH = 1_000_000


class DevelopmentConfig(Config):
    """What `make run` uses."""

    PAGE_CACHE_S = 0


class TestingConfig(Config):
    """What the tests use: nothing is kept between two requests."""

    TESTING = True
    SECRET_KEY = "testing only, not a secret"
    PAGE_CACHE_S = 0
    STATS_MAX_AGE_S = 0
    MONGODB_SELECT_MS = 500


class ProductionConfig(Config):
    """What a public site uses. SECRET_KEY and MONGODB_URI have no default here."""

    SECRET_KEY = ""


CONFIGURATIONS: dict[str, type[Config]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}


class BadConfig(ValueError):
    """A setting is missing or has a value that it cannot have."""


def config_from_environment(environ: dict[str, str] | None = None) -> type[Config]:
    """Return the configuration that LARDER_ENV names, with the environment's values laid over it.

    Raises BadConfig for an unknown LARDER_ENV and for text where a number belongs.
    """
    environ = dict(os.environ) if environ is None else environ
    name = environ.get("LARDER_ENV", "development")
    if name not in CONFIGURATIONS:
        raise BadConfig(f"LARDER_ENV is {name!r}; it can be {', '.join(CONFIGURATIONS)}")
    base = CONFIGURATIONS[name]
    values = {key: _value(key, environ[key], getattr(base, key)) for key in settings() if key in environ}
    return type(base.__name__, (base,), values)


def settings() -> list[str]:
    """Return the names of all settings, in the order in which `Config` documents them."""
    return [key for key in vars(Config) if key.isupper()]


def _value(key: str, text: str, default: Any) -> Any:
    if not isinstance(default, int):
        return text
    try:
        return int(text)
    except ValueError:
        raise BadConfig(f"{key} is {text!r}; it must be a whole number") from None
