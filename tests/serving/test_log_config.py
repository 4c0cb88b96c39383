"""Lines of the log, for people and for programs."""

import json
import logging
import sys

import pytest

from config import BadConfig
from webapp.serving.log_config import JsonFormatter, TextFormatter, logging_config


def record(message: str, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("webapp.x", logging.WARNING, "x.py", 1, message, (), None)
    made.created = 1_709_296_200.25
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_line_for_people_ends_with_the_id_of_its_request() -> None:
    line = TextFormatter().format(record("Something", fields={"request_id": "abc"}))

    assert line.endswith("WARNING webapp.x: Something [abc]")
    assert TextFormatter().format(record("Something")).endswith("WARNING webapp.x: Something")


def test_line_breaks_of_a_message_start_no_line() -> None:
    assert TextFormatter().format(record("a\r\nb")).endswith("a\\r\\nb")


def test_line_for_programs_is_json_with_the_fields_of_the_event() -> None:
    line = json.loads(JsonFormatter().format(record("a\nb", fields={"path": "/x", "took": {1}})))

    assert line == {
        "time": "2024-03-01T12:30:00.250+00:00",
        "level": "WARNING",
        "logger": "webapp.x",
        "message": "a\nb",
        "path": "/x",
        "took": "{1}",
    }


def test_traceback_is_a_field_for_programs() -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        line = json.loads(JsonFormatter().format(record("Failed", exc_info=sys.exc_info())))

    assert line["traceback"].endswith("ValueError: odd")


@pytest.mark.parametrize(
    ("line_format", "level", "message"),
    [
        ("xml", "INFO", "LOG_FORMAT is 'xml'; it can be text, json"),
        ("text", "LOUD", "LOG_LEVEL is 'LOUD'; it can be DEBUG"),
    ],
)
def test_unknown_values_are_refused_with_those_there_are(line_format: str, level: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        logging_config(line_format, level)


def test_site_logs_at_its_level_and_libraries_warn() -> None:
    made = logging_config("json", "DEBUG")

    assert made["loggers"]["webapp"]["level"] == "DEBUG"
    assert made["root"]["level"] == "WARNING"
    assert made["loggers"]["_granian"]["level"] == "ERROR"
    assert made["formatters"]["line"]["()"].endswith("JsonFormatter")
