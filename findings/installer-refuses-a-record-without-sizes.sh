#!/usr/bin/env bash
# installer 1.1.0 refuses a wheel whose RECORD has the hash of every file, but not its size.
#
# The specification of wheels demands the hashes; that of RECORD (PEP 627) says that the size of any file may be left
# empty. installer, if it is told to validate RECORD, takes a line without a size for none and says that the hash is not
# there. wheel-inspect 1.8.0 finds the wheel not valid either. pip 26.3 and uv 0.13.9 install it.
. "$(dirname "$0")/lib/setup.bash" installer==1.1.0 pip==26.3 uv==0.13.9 wheel-inspect==1.8.0

python - >"$folder/seen" <<'PYTHON'
import pathlib
import subprocess
import sys

from wheel_inspect import inspect_wheel

from record import write_wheel

programs = pathlib.Path(sys.prefix, "bin")
commands = {"pip": [programs / "pip", "--isolated", "install", "--no-index", "--target"]}
commands["uv"] = [programs / "uv", "pip", "install", "--no-index", "--target"]
commands["installer"] = [sys.executable, "-m", "installer", "--validate-record", "all", "--destdir"]
for size in (True, False):
    wheel = write_wheel(size)
    print("with sizes" if size else "without sizes")
    for tool, command in commands.items():
        done = subprocess.run([*command, wheel.parent / f"{tool}-{size}", wheel], capture_output=True, text=True)
        print(tool, "refused" if done.returncode else "installed")
        if done.returncode:
            print(done.stderr.strip().split("', '")[-1].split(".whl, ")[1].strip("'\"]"))
    print("wheel-inspect", inspect_wheel(wheel)["valid"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
with sizes
pip installed
uv installed
installer installed
wheel-inspect True
without sizes
pip installed
uv installed
installer refused
hash / size of kiln-1.0.dist-info/WHEEL is not included in RECORD
wheel-inspect False
EXPECTED
