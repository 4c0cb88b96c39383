#!/usr/bin/env bash
# uv 0.13.9 refuses a page of the JSON API with a BLAKE2b digest of the usual length, though SHA-256 is there as well.
#
# In PEP 691 the names of hashes are those of Python's hashlib, whose blake2b has 512 bits, and its own example has a
# file with sha256 and blake2b. uv expects 256 bits under that name (PyPI calls those blake2b_256) and fails. It accepts
# names that it does not know, such as sha3_256, so an index that adds one strong digest too many loses uv's users. pip
# installs the file.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
import hashlib
import json
import shutil

from simple_index import FOLDER, JSON, WHEEL, install, serve_wheel, served

digest = serve_wheel()
held = served[f"/files/{WHEEL}"][1]
for algorithm in ("sha3_256", "blake2b"):
    hashes = {"sha256": digest, algorithm: hashlib.new(algorithm, held).hexdigest()}
    file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": hashes}
    page = {"meta": {"api-version": "1.0"}, "name": "kiln", "files": [file]}
    served["/simple/kiln/"] = JSON, json.dumps(page).encode()
    for tool in ("pip", "uv"):
        shutil.rmtree(FOLDER / tool, ignore_errors=True)
        print(algorithm, tool, install(tool).split(" at line")[0])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
sha3_256 pip installed
sha3_256 uv installed
blake2b pip installed
blake2b uv refused: cause: Invalid hash digest length (expected 64 hexadecimal characters, found 128)
EXPECTED
