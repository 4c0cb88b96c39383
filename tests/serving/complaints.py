"""Errors, and what is logged of them."""

import logging
from typing import Any

import pytest
from pymongo.errors import (
    BulkWriteError,
)


def complaints(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the site logged, without the line that each request gets."""
    return [record for record in caplog.records if record.levelno > logging.INFO]


def bulk(write_errors: list[dict[str, Any]], confirmation_errors: list[dict[str, Any]] | None = None) -> BulkWriteError:
    return BulkWriteError({"writeErrors": write_errors, "writeConcernErrors": confirmation_errors or []})
