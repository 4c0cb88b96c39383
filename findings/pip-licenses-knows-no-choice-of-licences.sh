#!/usr/bin/env bash
# pip-licenses 5.5.5 refuses a package that offers a choice of licences, although each of them is allowed.
#
# In the SPDX expressions of PEP 639, "MIT OR Apache-2.0" lets the user take either licence, and "MIT AND Apache-2.0"
# demands both. --allow-only compares the whole expression with each name in its list. With --partial-match it is enough
# that one name is found in the expression, so that a package passes although one half of its AND is not allowed.
. "$(dirname "$0")/lib/setup.bash" pip-licenses==5.5.5

python - >"$folder/seen" <<'PYTHON'
import pathlib
import subprocess
import sys
import sysconfig

command = [pathlib.Path(sys.prefix, "bin", "pip-licenses"), "--allow-only", "MIT;Apache-2.0", "--packages", "kiln"]
info = pathlib.Path(sysconfig.get_path("purelib"), "kiln-1.0.dist-info")
info.mkdir()
for expression in ("MIT", "MIT OR Apache-2.0", "MIT AND Apache-2.0", "MIT AND GPL-3.0-only"):
    fields = f"Metadata-Version: 2.4\nName: kiln\nVersion: 1.0\nLicense-Expression: {expression}\n"
    (info / "METADATA").write_text(fields)
    print(expression)
    for option in ([], ["--partial-match"]):
        done = subprocess.run([*command, *option], capture_output=True, text=True)
        print(" ", *option or ["without options"], "->", done.stderr.strip() or "allowed")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
MIT
  without options -> allowed
  --partial-match -> allowed
MIT OR Apache-2.0
  without options -> license MIT OR Apache-2.0 not in allow-only licenses was found for package kiln:1.0
  --partial-match -> allowed
MIT AND Apache-2.0
  without options -> license MIT AND Apache-2.0 not in allow-only licenses was found for package kiln:1.0
  --partial-match -> allowed
MIT AND GPL-3.0-only
  without options -> license MIT AND GPL-3.0-only not in allow-only licenses was found for package kiln:1.0
  --partial-match -> allowed
EXPECTED
