"""The documents' connection to MongoDB."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mongoengine
from flask import Flask
from flask_mongoengine import create_connections
from pymongo import MongoClient, ReadPreference
from pymongo.errors import ConfigurationError

from config import BadConfig
from webapp.mongodb import db, embedded

MONGOMOCK = "mongomock://"


def init_app(app: Flask, listeners: Sequence[Any] = ()) -> None:
    """Connect the documents to MONGODB_URI, or to the embedded server, which is started if necessary.

    `listeners` observe the driver (pymongo.monitoring). The connection itself is made by the first query. Raises
    BadConfig, MongodNotFound and MongodFailed.
    """
    # For the driver, 0 means any number of connections, and no time at all or any time.
    for name in ("MONGODB_POOL", "MONGODB_TIMEOUT_MS"):
        if app.config[name] < 1:
            raise BadConfig(f"{name} is {app.config[name]}; it must be at least 1")
    uri = app.config["MONGODB_URI"] or embedded.acquire(Path(app.config["MONGODB_DIR"]))
    app.config["MONGODB_SETTINGS"] = _mongomock(uri) if uri.startswith(MONGOMOCK) else _mongodb(uri, app, listeners)
    # Without this line, the extension would keep the first application's settings when a process creates a second one,
    # as the tests do.
    db.config = app.config
    try:
        db.init_app(app)
    except (ConfigurationError, ValueError) as error:
        raise BadConfig(f"MONGODB_URI cannot be used: {error}") from None


def forget(app: Flask) -> None:
    """Close the connection; the next query makes a new one.

    Call it before a fork: neither the driver's sockets nor its threads are of use to another process.
    """
    mongoengine.disconnect_all()
    app.extensions["mongoengine"][db]["conn"] = create_connections(app.config)


def is_there() -> bool:
    """Tell, without asking, whether a server was there when the driver last looked, at most two seconds ago."""
    client = mongoengine.get_connection()
    return not isinstance(client, MongoClient) or bool(client.nodes)


def _mongodb(uri: str, app: Flask, listeners: Sequence[Any]) -> dict[str, Any]:
    return {
        "host": uri,
        "db": "larder",  # if the address names none
        "connect": False,
        "tz_aware": True,
        # Dates and text that Python cannot represent come from manual edits, and must not break a page.
        "datetime_conversion": "DATETIME_AUTO",
        "unicode_decode_error_handler": "replace",
        "timeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # Where the limit above is lifted, such as for building indexes, an absent server is still noticed soon.
        "serverSelectionTimeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # A server that is frozen or cut off refuses nothing. Its silence is noticed after the sum of these two at the
        # latest; MongoDB's defaults are 10 and 20 seconds.
        "heartbeatFrequencyMS": 2000,
        "connectTimeoutMS": app.config["MONGODB_TIMEOUT_MS"],
        # Confirmed writes are on the disks of a majority. By default, a single server need not write to its disk: 5 of
        # 97 confirmed registrations were lost when it was killed three times.
        "w": "majority",
        "journal": True,
        # Without a primary, the other members of a replica set serve readers. MONGODB_URI may override this.
        "read_preference": ReadPreference.PRIMARY_PREFERRED,
        "maxPoolSize": app.config["MONGODB_POOL"],
        "uuidRepresentation": "standard",
        "appname": "larder",
        "event_listeners": listeners,
    }


def _mongomock(uri: str) -> dict[str, Any]:
    import mongomock  # the tests' database is not a dependency of the site

    return {
        "host": uri.replace(MONGOMOCK, "mongodb://", 1),
        "mongo_client_class": mongomock.MongoClient,
        "tz_aware": True,
        "uuidRepresentation": "standard",
    }
