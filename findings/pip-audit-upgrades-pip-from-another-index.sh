#!/usr/bin/env bash
# pip-audit 2.10.1 upgrades pip, wheel and setuptools from pip's own index, not from the one that --index-url names.
#
# To resolve a requirements file it makes an environment and runs `pip install --upgrade pip wheel setuptools` there,
# without --index-url. So a machine that reaches only the organisation's index gets "Failed to upgrade `pip`", whatever
# the requirements are, and does not see which index was asked. PIP_INDEX_URL names the index for both, which then has to
# have these three. --disable-pip needs none of it, for files with all versions pinned and hashes or --no-deps.
. "$(dirname "$0")/lib/setup.bash" pip-audit==2.10.1

python - >"$folder/seen" <<'PYTHON'
import json
import os
import subprocess

import simple_index
from simple_index import FOLDER, INDEX, JSON, PROGRAMS, WHEEL, serve_wheel, served

asked = []
simple_index._Index.log_request = lambda self, *_: asked.append(self.path)
file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": serve_wheel()}}
page = {"meta": {"api-version": "1.1"}, "name": "kiln", "versions": ["1.0"], "files": [file]}
served["/simple/kiln/"] = JSON, json.dumps(page).encode()
(FOLDER / "requirements.txt").write_text("kiln==1.0\n")
own = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
pips = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": f"{INDEX}/pips-own/", "NO_PROXY": "127.0.0.1"}
command = [PROGRAMS / "pip-audit", "--dry-run", "-r", "requirements.txt", "--progress-spinner", "off"]
for options in ["--index-url", f"{INDEX}/simple/"], ["--disable-pip", "--no-deps"]:
    asked.clear()
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=FOLDER, env=own | pips)
    print(done.returncode, "Failed to upgrade `pip`" in done.stderr, *dict.fromkeys(asked))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
1 True /pips-own/pip/ /pips-own/wheel/
0 False
EXPECTED
