"""Where the log goes: one line an event on standard error."""

import logging.config

from flask import Flask


def init_app(app: Flask) -> None:
    """Set up the log of this process at LOG_LEVEL. Raises ValueError for a level that does not exist."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "loggers": {"webapp": {"level": app.config["LOG_LEVEL"], "handlers": ["stderr"], "propagate": False}},
        }
    )
