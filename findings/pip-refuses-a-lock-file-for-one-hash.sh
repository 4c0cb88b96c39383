#!/usr/bin/env bash
# pip 26.3 and pdm 2.29.4 refuse a lock file if one of the hashes of a file is of a kind that they do not know.
#
# PEP 751: the table of hashes has at least one entry, and one of a secure algorithm that Python guarantees SHOULD be
# among them; others may be there as well, as BLAKE3 here. uv 0.13.9 checks the SHA-256 and installs. pip and pdm do not
# get as far, though Python's own sha256 is there.
. "$(dirname "$0")/lib/setup.bash" pdm==2.29.4 hishel==1.4.0 pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from lock_files import install, lock

text = lock(hashes=f'blake3 = "{"0" * 64}", ')
for tool in ("pip", "uv", "pdm"):
    print(tool, install(tool, text))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip refused: ERROR: Unknown hash name: blake3
uv installed
pdm refused: [InstallationError]: Some package operations failed.
EXPECTED
