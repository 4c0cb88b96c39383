#!/usr/bin/env bash
# python-bsonjs 0.7.0: writes a date after the year 9999 in a form that it cannot read.
#
# Extended JSON (relaxed) gives dates after 9999 as a number of milliseconds. bsonjs.dumps writes an ISO date with a
# year of five digits; bsonjs.loads and bson.json_util refuse it. BSON holds any 64-bit number of milliseconds;
# microseconds stored as milliseconds by mistake give such years. bson.json_util writes the number.
. "$(dirname "$0")/lib/setup.bash" python-bsonjs==0.7.0 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import bson, bsonjs
from bson import json_util
from bson.datetime_ms import DatetimeMS

document = {"uploaded": DatetimeMS(1_577_836_800_000_000)}
text = bsonjs.dumps(bson.encode(document))
print(text)
try:
    bsonjs.loads(text)
except ValueError as error:
    print(error)
print(json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{ "uploaded" : { "$date" : "51969-08-29T00:00:00Z" } }
Could not parse "51969-08-29T00:00:00Z" as date: year must be an integer
{"uploaded": {"$date": {"$numberLong": "1577836800000000"}}}
EXPECTED
