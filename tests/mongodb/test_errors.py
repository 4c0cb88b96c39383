"""Which failures of the database pass by themselves, and what is said of them."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from mongoengine.errors import OperationError
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from tests.serving.complaints import bulk, complaints
from webapp.mongodb.errors import NOT_WELL, NOT_YET_KNOWN, explained, is_only_duplicates


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("secret host"),
        ExecutionTimeout("secret host"),
        NetworkTimeout("secret host"),
        NotPrimaryError("secret host"),
        ServerSelectionTimeoutError("secret host"),
        WaitQueueTimeoutError("secret host"),
        WriteConcernError("secret host", 64),
        *(OperationFailure("secret host", code) for code in NOT_WELL),
        OperationFailure(NOT_YET_KNOWN, 20),
        bulk([{"code": 11000, "errmsg": "secret host"}, {"code": 14031, "errmsg": "secret host"}]),
        bulk([], [{"code": 64, "errmsg": "secret host"}]),
    ],
    ids=str,
)
def test_database_that_is_away_is_said_in_one_line(
    raising: Callable[[Exception], FlaskClient], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    client = raising(error)

    response = client.get("/about")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The database is unavailable." in response.get_data(as_text=True)
    assert "secret host" not in response.get_data(as_text=True)
    (record,) = complaints(caplog)
    assert (
        record.getMessage()
        == f"database unavailable: GET /about: {type(error).__name__}: {error}".partition(", full")[0]
    )


def test_log_says_why_the_database_is_away_and_no_more(
    raising: Callable[[Exception], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    settings = " (configured timeouts: socketTimeoutMS: 20000.0ms), Timeout: 2.5s, Topology Description: <...>"
    error = ServerSelectionTimeoutError(f"mongo:27017: [Errno 111]\nConnection refused{settings}")

    raising(error).get("/about")

    (record,) = complaints(caplog)
    assert record.getMessage() == (
        "database unavailable: GET /about: ServerSelectionTimeoutError: mongo:27017: [Errno 111] Connection refused"
    )


def test_only_duplicates_are_what_is_there_already_and_confirmed() -> None:
    duplicate, full = {"code": 11000}, {"code": 14031}

    assert is_only_duplicates(bulk([duplicate, duplicate]))
    assert not is_only_duplicates(bulk([duplicate, full]))
    assert not is_only_duplicates(bulk([duplicate], [{"code": 64}]))


def test_write_that_the_database_did_not_confirm_is_no_mistake_of_ours(
    raising: Callable[[Exception], FlaskClient],
) -> None:
    wrapped = OperationError("Could not save document")
    wrapped.__context__ = WriteConcernError("waiting for replication timed out", 64)

    assert raising(wrapped).get("/about").status_code == 503
    assert raising(OperationError("Could not save document")).get("/about").status_code == 500


def test_server_that_is_too_old_is_said_in_one_line() -> None:
    error = ConfigurationError("Server at 127.0.0.1:27017 reports wire version 6, but this requires at least 9.")

    assert explained(error) == (
        "the database cannot be used: Server at 127.0.0.1:27017 reports wire version 6, but this requires at "
        "least 9. See MONGODB_URI."
    )
