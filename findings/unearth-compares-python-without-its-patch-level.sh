#!/usr/bin/env bash
# unearth 0.19.0 compares Requires-Python with major and minor version only, so 3.11.7 does not satisfy >=3.11.1.
#
# By the core metadata the field says with which versions of Python a release works, and pip compares it with the full
# version. Unless it is told a target, unearth takes "3.11" for the running Python: a file for >=3.11.1 is skipped on
# 3.11.7, with "No package matches", and one for <3.11.1 is offered.
. "$(dirname "$0")/lib/setup.bash" unearth==0.19.0 pip==26.3

python - >"$folder/seen" <<'PYTHON'
import json
import sys

from simple_index import INDEX, JSON, WHEEL, install, serve_wheel, served
from unearth import PackageFinder, TargetPython

major, minor, patch = sys.version_info[:3]
assert patch > 1, "The running Python must have had some patches."
digest = serve_wheel()
finder = PackageFinder(index_urls=[f"{INDEX}/simple/"])
told = PackageFinder(index_urls=[f"{INDEX}/simple/"], target_python=TargetPython((major, minor, patch)))
for operator in (">=", "<"):
    file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": digest}}
    file["requires-python"] = f"{operator}{major}.{minor}.1"
    page = {"meta": {"api-version": "1.0"}, "name": "kiln", "files": [file]}
    served["/simple/kiln/"] = JSON, json.dumps(page).encode()
    found = [bool(one.find_best_match("kiln").best) for one in (finder, told)]
    print(operator, "pip", install("pip").split(":")[0], "unearth", found[0], "told the version", found[1])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
>= pip installed unearth False told the version True
< pip refused unearth True told the version False
EXPECTED
