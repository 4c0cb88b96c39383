#!/usr/bin/env bash
# micropipenv 1.10.0 cannot read the poetry.lock of a project with its dependencies in [project].
#
# Since Poetry 2.0 the dependencies may be in the table of PEP 621, and poetry.lock names the groups of each package.
# micropipenv looks for them in [tool.poetry.dependencies] only, although it makes the hash of both tables, and does not
# read the groups: no package belongs anywhere. With --only-direct it writes an empty list and ends with success.
. "$(dirname "$0")/lib/setup.bash" 'micropipenv[toml]==1.10.0'

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib
import subprocess
import sys

LOCK = f"""
[[package]]
name = "kiln"
version = "1.0"
description = ""
optional = false
python-versions = ">=3.9"
groups = ["main"]
files = [{{file = "kiln-1.0-py3-none-any.whl", hash = "sha256:{64 * "0"}"}}]

[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
content-hash = "{64 * "0"}"
"""
TABLES = {
    "[tool.poetry]": 'name = "shop"\nversion = "1.0"\ndependencies = {python = ">=3.9", kiln = "1.0"}\n',
    "[project]": 'name = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\ndependencies = ["kiln==1.0"]\n',
}
folder = pathlib.Path(os.environ["FOLDER"])
(folder / "poetry.lock").write_text(LOCK)
command = [pathlib.Path(sys.prefix, "bin", "micropipenv"), "requirements", "--method", "poetry", "--no-hashes"]
for table, keys in TABLES.items():
    (folder / "pyproject.toml").write_text(f"{table}\n{keys}")
    print(table)
    for option in ([], ["--only-direct"]):
        done = subprocess.run([*command, *option], cwd=folder, capture_output=True, text=True)
        found = [line for line in done.stdout.splitlines() if line.startswith("kiln")]
        print(" ", *option or ["without options"], "->", done.stderr.strip() or " ".join(found) or "nothing")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
[tool.poetry]
  without options -> kiln==1.0
  --only-direct -> kiln==1.0
[project]
  without options -> Failed to find package category for: kiln
  --only-direct -> nothing
EXPECTED
