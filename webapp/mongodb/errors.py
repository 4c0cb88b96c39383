"""Which database errors mean that the database is in trouble; all others are mistakes of ours."""

from mongoengine.errors import OperationError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    WriteConcernError,
)

# Codes of a server that has no room, no time or no primary, is about to stop, or lost contact with the others. Source:
# error_codes.yml of MongoDB; a test asks the server for the names.
NOT_WELL = {
    6: "HostUnreachable",
    7: "HostNotFound",
    8: "UnknownError",  # reported for a full disk when a collection or an index is created
    24: "LockTimeout",
    43: "CursorNotFound",
    46: "LockBusy",
    50: "MaxTimeMSExpired",
    64: "WriteConcernFailed",
    70: "ShardNotFound",
    89: "NetworkTimeout",
    91: "ShutdownInProgress",
    100: "UnsatisfiableWriteConcern",
    112: "WriteConflict",
    133: "FailedToSatisfyReadPreference",
    134: "ReadConcernMajorityNotAvailableYet",
    175: "QueryPlanKilled",
    189: "PrimarySteppedDown",
    202: "NetworkInterfaceExceededTimeLimit",
    205: "ClusterTimeFailsRateLimiter",  # its clock is more than a year behind that of the server before it
    210: "CannotVerifyAndSignLogicalTime",
    211: "KeyNotFound",  # in its first moments a server has not read the keys that sign times
    237: "CursorKilled",
    262: "ExceededTimeLimit",
    264: "TooManyFilesOpen",
    314: "ObjectIsBusy",
    365: "TemporarilyUnavailable",
    9001: "SocketException",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11601: "Interrupted",
    11602: "InterruptedDueToReplStateChange",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
    14031: "OutOfDiskSpace",
}
# A server that has just been killed and started again may say this to a driver that expects a replica set.
NOT_YET_KNOWN = "Transaction numbers are only allowed on a replica set member or mongos"
REFUSALS = {13: "Unauthorized", 18: "AuthenticationFailed"}
DUPLICATE_KEY = 11000
LONGEST_REASON = 200


def is_away(error: Exception) -> bool:
    """Tell whether the database does not answer in time, or cannot work at the moment; it may recover soon."""
    cause = _cause_of(error)
    if isinstance(cause, BulkWriteError):
        codes = {each.get("code") for each in cause.details["writeErrors"]}
        return bool(cause.details.get("writeConcernErrors")) or not codes.isdisjoint(NOT_WELL)
    if isinstance(cause, (ConnectionFailure, ExecutionTimeout, WriteConcernError)):
        return True
    if not isinstance(cause, PyMongoError):
        return False
    return cause.timeout or getattr(cause, "code", None) in NOT_WELL or NOT_YET_KNOWN in str(cause)


def explained(error: Exception) -> str | None:
    """Return what an operator needs to know about an error they can fix, on one line; None for other errors."""
    if is_away(error):
        return f"the database does not answer: {reason_of(error)}"
    if isinstance(_cause_of(error), ConfigurationError):  # the server is too old, or another kind than the address says
        return f"the database cannot be used: {reason_of(error).rstrip('.')}. See MONGODB_URI."
    if getattr(_cause_of(error), "code", None) in REFUSALS:
        # The rest is the whole command.
        refusal = reason_of(error).partition(" to execute command")[0].rstrip(".")
        return f"the database refuses what the site asks of it: {refusal}. See MONGODB_URI."
    return None


def is_only_duplicates(error: BulkWriteError) -> bool:
    """Tell whether the only problem is that some documents already exist."""
    is_duplicate = all(each.get("code") == DUPLICATE_KEY for each in error.details["writeErrors"])
    return is_duplicate and not error.details.get("writeConcernErrors")


def reason_of(error: Exception) -> str:
    """Return the message of the database or the driver, on one short line."""
    cause = _cause_of(error)
    said = (getattr(cause, "details", None) or {}).get("errmsg") or str(cause)
    # The rest is the driver's settings, and its view of each member.
    said = said.partition(" (configured timeouts")[0].partition(", Timeout:")[0].partition(", full error")[0]
    return " ".join(said.split())[:LONGEST_REASON]


def _cause_of(error: Exception) -> BaseException | None:
    """Return the driver's error that mongoengine wrapped."""
    return error.__context__ if isinstance(error, OperationError) else error
