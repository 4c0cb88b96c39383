#!/usr/bin/env bash
# pypiserver 2.4.0 accepts watchdog 6.0.0, and then computes the digest of every file anew for each page.
#
# It drops what it keeps about a file on any event that it is told of. watchdog 6 reports that a file was opened and
# closed, so computing a digest makes pypiserver forget it. With watchdog 2.1.9 it is computed once.
. "$(dirname "$0")/lib/setup.bash" pypiserver==2.4.0 watchdog==6.0.0

cat >"$folder/ask.py" <<'PYTHON'
import hashlib
import os
import pathlib
import time
from importlib.metadata import version

from pypiserver.cache import CacheManager

wheel = pathlib.Path(os.environ["FOLDER"], "files", "kiln-1.0-py3-none-any.whl")
wheel.parent.mkdir(exist_ok=True)
wheel.write_bytes(b"kiln")
cache, computed = CacheManager(), []


def digest(path, algorithm):
    computed.append(algorithm)
    return hashlib.new(algorithm, pathlib.Path(path).read_bytes()).hexdigest()


for _ in range(3):
    cache.digest_file(str(wheel), "sha256", digest)
    time.sleep(2)  # until the events have arrived
print("watchdog", version("watchdog"), "asked 3 times, computed", len(computed))
cache.observer.stop()
PYTHON
python "$folder/ask.py" >"$folder/seen"
"$folder/venv/bin/pip" install -q --disable-pip-version-check watchdog==2.1.9
python "$folder/ask.py" >>"$folder/seen"

diff "$folder/seen" - <<'EXPECTED'
watchdog 6.0.0 asked 3 times, computed 3
watchdog 2.1.9 asked 3 times, computed 1
EXPECTED
