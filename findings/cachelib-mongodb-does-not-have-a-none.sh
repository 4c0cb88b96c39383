#!/usr/bin/env bash
# cachelib 0.17.0: MongoDbCache does not have a key that holds None, and add() overwrites it.
#
# has() says whether a key exists, so that None can be told from nothing; add() leaves existing keys alone. MongoDbCache
# takes a stored None for a missing key in both. The other caches keep it, as for an answer that is known to be empty.
. "$(dirname "$0")/lib/setup.bash" cachelib==0.17.0 mongomock==4.3.0 pymongo==4.20.1

python - >"$folder/seen" <<'PYTHON'
import os

import mongomock
from cachelib import FileSystemCache, MongoDbCache, SimpleCache

files = FileSystemCache(os.path.join(os.environ["FOLDER"], "cache"))
for cache in SimpleCache(), files, MongoDbCache(client=mongomock.MongoClient()):
    cache.set("summary of kiln", None)
    print(type(cache).__name__, cache.has("summary of kiln"), cache.add("summary of kiln", "new"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
SimpleCache True False
FileSystemCache True False
MongoDbCache False True
EXPECTED
