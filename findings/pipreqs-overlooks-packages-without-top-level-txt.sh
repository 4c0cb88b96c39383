#!/usr/bin/env bash
# pipreqs 0.5.0 --use-local leaves out every import of a package that was not built by setuptools.
#
# The specification of installed projects has METADATA and RECORD, and importlib.metadata finds the modules by RECORD.
# pipreqs looks for top_level.txt, which is setuptools' own file and not in the specification; hatchling, flit-core and
# others do not write it. The requirements lack the package without a warning, and pipreqs ends with success.
. "$(dirname "$0")/lib/setup.bash" pipreqs==0.5.0

python - >"$folder/seen" <<'PYTHON'
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import sysconfig

site = pathlib.Path(sysconfig.get_path("purelib"))
for name in ("kiln", "oven"):
    (site / f"{name}.py").touch()
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in (f"{name}.py", f"{info.name}/METADATA")))
(site / "oven-1.0.dist-info/top_level.txt").write_text("oven\n")
project = pathlib.Path(os.environ["FOLDER"], "project")
project.mkdir()
(project / "pottery.py").write_text("import kiln\nimport oven\n")
command = [pathlib.Path(sys.prefix, "bin", "pipreqs"), "--use-local", "--print", project]
done = subprocess.run(command, capture_output=True, text=True)
print("pipreqs", done.returncode, *done.stdout.split())
for line in done.stderr.splitlines():
    print(line)
found = importlib.metadata.packages_distributions()
print("importlib.metadata", *found["kiln"], *found["oven"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pipreqs 0 oven==1.0
INFO: Not scanning for jupyter notebooks.
INFO: Successfully output requirements
importlib.metadata kiln oven
EXPECTED
