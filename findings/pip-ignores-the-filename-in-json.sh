#!/usr/bin/env bash
# pip 26.3 and unearth 0.19.0 ignore a file's `filename` in the JSON API and take the end of its `url` for it.
#
# PEP 691 has both keys: the name of the file, and the URL from which it can be fetched. Only for links in HTML does PEP
# 503 say that the URL ends in the name. Behind an index that hands out downloads by number, uv and pypi-simple know the
# wheel; pip and unearth find no version at all.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 unearth==0.19.0 uv==0.13.9 pypi-simple==1.8.0

python - >"$folder/seen" <<'PYTHON'
import json

from pypi_simple import PyPISimple
from simple_index import INDEX, JSON, WHEEL, install, serve_wheel, served
from unearth import PackageFinder

digest = serve_wheel()
served["/download/17"] = served[f"/files/{WHEEL}"]
file = {"filename": WHEEL, "url": "/download/17", "hashes": {"sha256": digest}}
page = {"meta": {"api-version": "1.0"}, "name": "kiln", "files": [file]}
served["/simple/kiln/"] = JSON, json.dumps(page).encode()
for tool in ("pip", "uv"):
    print(tool, install(tool))
print("unearth", PackageFinder(index_urls=[f"{INDEX}/simple/"]).find_best_match("kiln").best)
with PyPISimple(f"{INDEX}/simple/") as client:
    print("pypi-simple", *[package.version for package in client.get_project_page("kiln").packages])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip refused: ERROR: No matching distribution found for kiln
uv installed
unearth None
pypi-simple 1.0
EXPECTED
