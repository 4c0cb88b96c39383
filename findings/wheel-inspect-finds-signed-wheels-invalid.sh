#!/usr/bin/env bash
# wheel-inspect 1.8.0 finds a wheel with a signature not valid.
#
# By the specification of wheels (PEP 427) RECORD lists all files but its signatures, RECORD.jws and RECORD.p7s, which
# cannot have their hashes in the file that they sign. wheel-inspect misses their lines in RECORD. pip 26.3 installs
# such a wheel, and so does installer 1.1.0 when it validates RECORD.
. "$(dirname "$0")/lib/setup.bash" installer==1.1.0 pip==26.3 wheel-inspect==1.8.0

python - >"$folder/seen" <<'PYTHON'
import pathlib
import subprocess
import sys

from wheel_inspect import inspect_wheel

from record import write_wheel

commands = {"pip": [pathlib.Path(sys.prefix, "bin", "pip"), "--isolated", "install", "--no-index", "--target"]}
commands["installer"] = [sys.executable, "-m", "installer", "--validate-record", "all", "--destdir"]
for signatures in ([], ["RECORD.jws"], ["RECORD.p7s"]):
    wheel = write_wheel(signatures=signatures)
    print(*signatures or ["no signature"])
    for tool, command in commands.items():
        done = subprocess.run([*command, wheel.parent / tool, wheel], capture_output=True, text=True)
        print(tool, "refused" if done.returncode else "installed")
    seen = inspect_wheel(wheel)
    print("wheel-inspect", seen["valid"], *[seen["validation_error"]["str"]] if not seen["valid"] else [])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
no signature
pip installed
installer installed
wheel-inspect True
RECORD.jws
pip installed
installer installed
wheel-inspect False File not declared in RECORD: 'kiln-1.0.dist-info/RECORD.jws'
RECORD.p7s
pip installed
installer installed
wheel-inspect False File not declared in RECORD: 'kiln-1.0.dist-info/RECORD.p7s'
EXPECTED
