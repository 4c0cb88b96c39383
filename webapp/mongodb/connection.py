"""The connection between the documents and MongoDB."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from pymongo import ReadPreference
from pymongo.errors import ConfigurationError

from config import BadConfig
from webapp.mongodb import db, embedded

MONGOMOCK = "mongomock://"


def init_app(app: Flask, listeners: Sequence[Any] = ()) -> None:
    """Bind the documents to MONGODB_URI, or to the embedded server, which is started if it does not run yet.

    `listeners` are told what the driver does (pymongo.monitoring). The connection itself is made when the first
    document is asked for. Raises BadConfig, MongodNotFound and MongodFailed.
    """
    uri = app.config["MONGODB_URI"] or embedded.acquire(Path(app.config["MONGODB_DIR"]))
    app.config["MONGODB_SETTINGS"] = _mongomock(uri) if uri.startswith(MONGOMOCK) else _mongodb(uri, app, listeners)
    # The extension would go on with the first application's settings when a process makes a second one.
    db.config = app.config
    try:
        db.init_app(app)
    except (ConfigurationError, ValueError) as error:
        raise BadConfig(f"MONGODB_URI cannot be used: {error}") from None


def _mongodb(uri: str, app: Flask, listeners: Sequence[Any]) -> dict[str, Any]:
    return {
        "host": uri,
        "db": "larder",  # where the address names none
        "connect": False,
        "tz_aware": True,
        # Dates and text that Python cannot hold are somebody's edit by hand; they must not break a page.
        "datetime_conversion": "DATETIME_AUTO",
        "unicode_decode_error_handler": "replace",
        "timeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # Where the limit above is lifted, as for building indexes, an absent server is still found absent soon.
        "serverSelectionTimeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # A server that is frozen, or behind a cable that somebody pulled, refuses nothing. Its silence gives it away,
        # after the sum of these two at the latest; MongoDB's own are 10 and 20 seconds.
        "heartbeatFrequencyMS": 2000,
        "connectTimeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # What the site confirms is on the disks of a majority. Of a single server, MongoDB's own default asks for no
        # disk: 5 of 97 confirmed registrations were lost when it was killed three times.
        "w": "majority",
        "journal": True,
        # While a replica set has no primary, readers are served by the other members. MONGODB_URI may say otherwise.
        "read_preference": ReadPreference.PRIMARY_PREFERRED,
        "maxPoolSize": app.config["MONGODB_POOL"],
        "uuidRepresentation": "standard",
        "appname": "larder",
        "event_listeners": listeners,
    }


def _mongomock(uri: str) -> dict[str, Any]:
    import mongomock  # the tests' database is no dependency of the site

    return {
        "host": uri.replace(MONGOMOCK, "mongodb://", 1),
        "mongo_client_class": mongomock.MongoClient,
        "tz_aware": True,
        "uuidRepresentation": "standard",
    }
