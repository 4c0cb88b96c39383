#!/usr/bin/env bash
# uv 0.13.9 installs no dependency group if another group of the file has an entry that it does not know.
#
# PEP 735 says that tools SHOULD NOT check the contents of all groups beforehand, and its example is such a file: the
# good group can be used, and only the bad one is an error. That leaves room for new kinds of entries. pip 26.3
# installs the group that it was asked for.
. "$(dirname "$0")/lib/setup.bash" uv==0.13.9 pip==26.3

python - >"$folder/seen" <<'PYTHON'
import os
import subprocess

from simple_index import FOLDER, INDEX, PROGRAMS, serve_page, serve_wheel, WHEEL

serve_wheel()
serve_page(f'<a href="/files/{WHEEL}">{WHEEL}</a>')
os.environ |= {"UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}
pip = [PROGRAMS / "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"]
for other in ('"oven"', '{path = "oven"}'):
    FOLDER.joinpath("pyproject.toml").write_text(f'[dependency-groups]\nuse = ["kiln"]\nlater = [{other}]\n')
    for tool, command in (("uv", [PROGRAMS / "uv", "pip"]), ("pip", pip)):
        command = [*command, "install", "--no-deps", "--target", FOLDER / tool, "--group", "use"]
        command += ["--index-url", f"{INDEX}/simple/"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
        said = "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1].strip()
        print(other, tool, done.returncode == 0, said)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
"oven" uv True 
"oven" pip True 
{path = "oven"} uv False cause: Group `later` contains an unknown dependency object specifier: {"path": "oven"}
{path = "oven"} pip True 
EXPECTED
