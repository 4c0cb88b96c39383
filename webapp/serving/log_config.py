"""Configure logging: one line per event on standard error, as text for people or as JSON for programs."""

import json
import logging
import logging.config
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from config import BadConfig
from webapp.serving.request_log import current_request_id


class TextFormatter(logging.Formatter):
    """A line of text. Input from outside cannot start a line of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the request's id at the end."""
        # A line about a request that is over carries its id along.
        request_id = current_request_id() or getattr(record, "fields", {}).get("request_id")
        record.request = f" [{request_id}]" if request_id else ""
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without its traceback, which may have several lines."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


class JsonFormatter(logging.Formatter):
    """A line with one JSON object: what every event has, and its own `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


FORMATTERS = {"text": "webapp.serving.log_config.TextFormatter", "json": "webapp.serving.log_config.JsonFormatter"}


def init_app(app: Flask) -> None:
    """Configure the log of this process by LOG_LEVEL and LOG_FORMAT. Raises BadConfig for unknown values."""
    logging.config.dictConfig(logging_config(app.config["LOG_FORMAT"], app.config["LOG_LEVEL"]))


def logging_config(line_format: str, level: str) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`, which granian gets as well. Raises BadConfig."""
    if line_format not in FORMATTERS:
        raise BadConfig(f"LOG_FORMAT is {line_format!r}; it can be {', '.join(FORMATTERS)}")
    if level not in logging.getLevelNamesMapping():
        raise BadConfig(f"LOG_LEVEL is {level!r}; it can be DEBUG, INFO, WARNING or ERROR")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMATTERS[line_format]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        # Libraries, including the web server, log in the same format.
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "webapp": {"level": level, "handlers": ["stderr"], "propagate": False},
            "_granian": {"level": "ERROR", "handlers": ["stderr"], "propagate": False},
        },
    }
