#!/usr/bin/env bash
# cyclonedx-bom 7.5.0 leaves a requirement out of the bill of materials if it has --config-settings.
#
# pip lets a line of a requirements file give settings to the build backend of that package. cyclonedx-py cannot
# read such a line, drops it without a warning and ends with success: what it writes looks complete, but is not.
. "$(dirname "$0")/lib/setup.bash" cyclonedx-bom==7.5.0

python - >"$folder/seen" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys

requirements = pathlib.Path(os.environ["FOLDER"], "requirements.txt")
requirements.write_text('kiln==1.0\noven==2.0 --config-settings "glaze=blue"\nclay==3.0\n')
program = pathlib.Path(sys.prefix, "bin", "cyclonedx-py")
done = subprocess.run([program, "requirements", requirements], capture_output=True, text=True)
print("status", done.returncode)
print("messages", done.stderr.strip() or "none")
for component in json.loads(done.stdout)["components"]:
    print(component["name"], component["version"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
status 0
messages none
clay 3.0
kiln 1.0
EXPECTED
