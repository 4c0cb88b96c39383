#!/usr/bin/env bash
# pdm 2.29.4 ends with a TypeError if `environments` of a lock file name a platform.
#
# PEP 751: `environments` is a list of environment markers, for which the lock file is considered compatible. Its own
# example has the two markers below. pip 26.3 and uv 0.13.9 install. pdm does so as well if the markers only name a
# version of Python.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==1.4.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from lock_files import install, lock

cases = {"platforms": ["sys_platform == 'win32'", "sys_platform == 'linux'"], "Python": ["python_version >= '3.11'"]}
for case, markers in cases.items():
    text = lock(head="environments = [" + ", ".join(f'"{marker}"' for marker in markers) + "]")
    for tool in ("pip", "uv", "pdm"):
        print(case, tool, install(tool, text))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
platforms pip installed
platforms uv installed
platforms pdm refused: [TypeError]: Unsupported platform marker: sys_platform == "win32"
Python pip installed
Python uv installed
Python pdm installed
EXPECTED
