#!/usr/bin/env bash
# proxpi 1.3.1 in front of an index of level 1.4 drops size and upload time of every file.
#
# It answers as level 1.0. Behind it `uv --exclude-newer` and pip's `--uploaded-prior-to` find no file that has a
# time, and provenance is lost.
. "$(dirname "$0")/lib/setup.bash" proxpi==1.3.1

python - >"$folder/seen" <<'PYTHON'
import sys

from simple_index import INDEX, proxy, serve_level_1_4

serve_level_1_4()
start = "from proxpi.server import app; app.run(port={})"
with proxy(lambda port: [sys.executable, "-c", start.format(port)], PROXPI_INDEX_URL=f"{INDEX}/simple/") as ask:
    answer = ask("/index/kiln/")
    print(answer["meta"], sorted(answer["files"][0]))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'api-version': '1.0'} ['filename', 'hashes', 'url']
EXPECTED
