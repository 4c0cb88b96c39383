#!/usr/bin/env bash
# micropipenv 1.10.0 drops the markers and extras of a package from a Git repository when it writes requirements.
#
# Pipfile.lock has both for any package, and a requirement with a URL may have both (PEP 508). micropipenv keeps them
# for a package from an index, but one from a repository that is meant for Windows only is then required on all
# systems.
. "$(dirname "$0")/lib/setup.bash" 'micropipenv[toml]==1.10.0'

python - >"$folder/seen" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys

both = {"extras": ["glaze"], "markers": "sys_platform == 'win32'"}
default = {"kiln": {"version": "==1.0", **both}}
default["oven"] = {"git": "https://example.com/oven.git", "ref": 40 * "0", **both}
meta = {"hash": {"sha256": ""}, "pipfile-spec": 6, "requires": {}, "sources": []}
folder = pathlib.Path(os.environ["FOLDER"])
(folder / "Pipfile.lock").write_text(json.dumps({"_meta": meta, "default": default, "develop": {}}))
command = [pathlib.Path(sys.prefix, "bin", "micropipenv"), "requirements", "--method", "pipenv", "--no-comments"]
print(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip())
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln[glaze]==1.0; sys_platform == 'win32'
git+https://example.com/oven.git@0000000000000000000000000000000000000000#egg=oven
EXPECTED
