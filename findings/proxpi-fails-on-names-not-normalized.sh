#!/usr/bin/env bash
# proxpi 1.3.1 answers 500 for a project whose name is not written in its normalized form.
#
# PEP 503 lets a client ask for any spelling, and an index redirects or answers. proxpi knows the project under its
# normalized name only and fails on every other one; a project that does not exist is a 404.
. "$(dirname "$0")/lib/setup.bash" proxpi==1.3.1

python - >"$folder/seen" <<'PYTHON'
import sys

from simple_index import INDEX, proxy, serve_level_1_4

serve_level_1_4()
start = "from proxpi.server import app; app.run(port={})"
with proxy(lambda port: [sys.executable, "-c", start.format(port)], PROXPI_INDEX_URL=f"{INDEX}/simple/") as ask:
    for name in ("kiln", "Kiln", "oven"):
        answer = ask(f"/index/{name}/")
        print(name, answer if isinstance(answer, int) else "answered")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln answered
Kiln 500
oven 404
EXPECTED
