#!/usr/bin/env bash
# pdm 2.29.4 does not read the `path` of a wheel in a lock file, and looks for the wheel on the index instead.
#
# PEP 751: the place of a wheel is given by `url` or by `path`, which may be relative to the lock file. pip 26.3 and uv
# 0.13.9 install the wheel from there. pdm only finds it if an index has the same file once more; the index of the
# project is a folder here, which is empty at first.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==1.4.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
import shutil

from lock_files import INDEX, WHEEL, install, lock

text = lock(place=f'path = "../{WHEEL.name}"')
for tool in ("pip", "uv", "pdm"):
    print(tool, install(tool, text))
print("pdm with a url in place of the path:", install("pdm", lock()))
shutil.copy(WHEEL, INDEX)
print("pdm with the wheel on the index as well:", install("pdm", text))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip installed
uv installed
pdm refused: [InstallationError]: Some package operations failed.
pdm with a url in place of the path: installed
pdm with the wheel on the index as well: installed
EXPECTED
