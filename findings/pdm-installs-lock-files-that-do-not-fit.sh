#!/usr/bin/env bash
# pdm 2.29.4 installs from lock files that are for another Python, or that have another major version.
#
# The specification of pylock.toml (PEP 751) says that an installer MUST raise an error if it does not support the major
# version of the file, and if `requires-python` of the file or of a package is not met. pip 26.3 and uv 0.13.9 do. pdm
# only says that something is missing in the file, and that it installs it anyway.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==1.4.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from lock_files import install, lock

later = 'requires-python = ">=3.99"'
cases = {"it fits": lock(), "lock-version 2.0": lock(version="2.0")}
cases |= {"requires-python": lock(head=later), "packages.requires-python": lock(package=later)}
for case, text in cases.items():
    print(case, *(f"{tool} {install(tool, text).split(':')[0]}" for tool in ("pip", "uv", "pdm")), sep=", ")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
it fits, pip installed, uv installed, pdm installed
lock-version 2.0, pip refused, uv refused, pdm installed
requires-python, pip refused, uv refused, pdm installed
packages.requires-python, pip refused, uv refused, pdm installed
EXPECTED
