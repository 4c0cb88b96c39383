#!/usr/bin/env bash
# pip-compile 7.6.2 --generate-hashes downloads every file that it locks, though the index says the hashes.
#
# It would take them from the index's JSON API, but asks for it at /NAME/json instead of /pypi/NAME/json (PyPI's address,
# too, since an index URL ends in /simple). The hashes in the simple index, which pip believes, it does not use. A release
# with wheels for 50 platforms means 50 downloads. Against PyPI, `-v` shows the same: "Hashing six-1.17.0.tar.gz".
. "$(dirname "$0")/lib/setup.bash" pip-tools==7.6.2 pip==26.3

python - >"$folder/seen" <<'PYTHON'
import json
import subprocess

import simple_index
from simple_index import FOLDER, INDEX, JSON, PROGRAMS, WHEEL, serve_wheel, served

asked = []
simple_index._Index.log_request = lambda self, *_: asked.append(self.path)
digest = serve_wheel()
served[f"/files/{WHEEL}.metadata"] = "text/plain", b"Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n"
hashes = {"sha256": digest}
file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": hashes, "core-metadata": True}
page = {"meta": {"api-version": "1.1"}, "name": "kiln", "versions": ["1.0"], "files": [file]}
served["/simple/kiln/"] = JSON, json.dumps(page).encode()
release = [{"url": f"{INDEX}/files/{WHEEL}", "digests": hashes, "packagetype": "bdist_wheel"}]
served["/pypi/kiln/json"] = "application/json", json.dumps({"releases": {"1.0": release}}).encode()

(FOLDER / "in").write_text("kiln\n")
for options in [], ["--generate-hashes"]:
    asked.clear()
    command = [PROGRAMS / "pip-compile", "in", "-q", "-o", "-", "--cache-dir", FOLDER / f"cache{len(options)}", *options]
    command += ["--index-url", f"{INDEX}/simple/", "--pip-args", "--isolated --no-cache-dir"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    print("kiln==1.0" in done.stdout, digest in done.stdout, *sorted(set(asked) - {"/simple/kiln/"}))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
True False /files/kiln-1.0-py3-none-any.whl.metadata
True True /files/kiln-1.0-py3-none-any.whl /files/kiln-1.0-py3-none-any.whl.metadata /kiln/json
EXPECTED
