#!/usr/bin/env bash
# pipdeptree 4.2.15 leaves out packages that need each other, and all that only they need.
#
# Its documentation promises the installed packages as a tree. The trees begin with what nothing else needs, and
# nothing in a cycle is such a package. With the text a warning names the cycle, but not the packages below it, here
# wood; the JSON tree, which a program reads, has neither and comes without a warning. --all lists them.
. "$(dirname "$0")/lib/setup.bash" pipdeptree==4.2.15

python - >"$folder/seen" <<'PYTHON'
import json
import os
import pathlib
import subprocess
import sys
import venv

environment = pathlib.Path(os.environ["FOLDER"], "environment")
venv.create(environment)
packages = next(environment.glob("lib/python*/site-packages"))
for name, needs in {"kiln": ["oven"], "oven": ["kiln", "wood"], "wood": [], "clay": []}.items():
    info = packages / f"{name}-1.0.dist-info"
    info.mkdir()
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", *[f"Requires-Dist: {need}\n" for need in needs]]
    (info / "METADATA").write_text("".join(lines))
command = [pathlib.Path(sys.prefix, "bin", "pipdeptree"), "--python", environment / "bin/python"]
for options in ([], ["--all"]):
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    named = sorted({word for word in done.stdout.split() if word.endswith("==1.0")})
    print(*options or ["without options"], "->", done.returncode, named)
done = subprocess.run([*command, "--output", "json-tree"], capture_output=True, text=True)
print("json-tree ->", done.returncode, [package["key"] for package in json.loads(done.stdout)])
print("json-tree warns of", *[name for name in ("kiln", "oven", "wood") if name in done.stderr])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
without options -> 0 ['clay==1.0']
--all -> 0 ['clay==1.0', 'kiln==1.0', 'oven==1.0', 'wood==1.0']
json-tree -> 0 ['clay']
json-tree warns of
EXPECTED
