#!/usr/bin/env bash
# cyclonedx-bom 7.5.0 writes the version "1.*" for a requirement ==1.*, and the package URL pkg:pypi/kiln@1.%2A.
#
# By PEP 440, ==1.* holds all releases from 1 to before 2; no release has this version, so nothing that looks the
# component up finds an advisory for it. For >=1.0 the tool warns that there is no pinned version, and writes none; for
# ==1.* it warns of nothing.
. "$(dirname "$0")/lib/setup.bash" cyclonedx-bom==7.5.0

printf '%s\n' 'kiln==1.*' 'oven>=1.0' 'peel==1.0' >"$folder/requirements.txt"
"$folder/venv/bin/cyclonedx-py" requirements "$folder/requirements.txt" --of JSON >"$folder/bom" 2>"$folder/warnings"
python - >"$folder/seen" <<'PYTHON'
import json
import os
import pathlib

folder = pathlib.Path(os.environ["FOLDER"])
components = json.loads((folder / "bom").read_text())["components"]
for component in sorted(components, key=lambda component: component["name"]):
    warned = f"name={component['name']}," in (folder / "warnings").read_text()
    print(component["name"], component.get("version"), component["purl"], "warned" if warned else "not warned")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln 1.* pkg:pypi/kiln@1.%2A not warned
oven None pkg:pypi/oven warned
peel 1.0 pkg:pypi/peel@1.0 not warned
EXPECTED
