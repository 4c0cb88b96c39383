#!/usr/bin/env bash
# simple-repository-server 0.10.0 answers as level 1.4 without project status and provenance.
#
# PEP 792 (level 1.4) and PEP 740 (1.3) add these keys. The server passes the upstream's version number on, and
# neither key: a deprecated project looks active, and nobody can tell that a file had attestations. The time of upload
# loses its fraction of a second.
. "$(dirname "$0")/lib/setup.bash" simple-repository-server==0.10.0 simple-repository==0.11.1

python - >"$folder/seen" <<'PYTHON'
from simple_index import INDEX, PROGRAMS, proxy, serve_level_1_4

serve_level_1_4()
program = PROGRAMS / "simple-repository-server"
with proxy(lambda port: [program, "--host", "127.0.0.1", "--port", str(port), f"{INDEX}/simple/"]) as ask:
    answer = ask("/simple/kiln/")
    print(answer["meta"], sorted(answer), sorted(answer["files"][0]), answer["files"][0]["upload-time"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'api-version': '1.4'} ['files', 'meta', 'name', 'versions'] ['core-metadata', 'filename', 'hashes', 'size', 'upload-time', 'url'] 2020-01-02T03:04:05Z
EXPECTED
