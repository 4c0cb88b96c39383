#!/usr/bin/env bash
# cyclonedx-bom 7.5.0 takes a project's link "Source" for something "other", and "Repository" for its version control.
#
# The specification of well-known project URLs makes both, and "Source Code", one label after normalization; "Bugs" and
# "Bug Tracker", or "History" and "Changelog", are one as well. In the bill of materials, a reader who looks for the
# vcs or the issue-tracker of a component finds those of some spellings only.
. "$(dirname "$0")/lib/setup.bash" cyclonedx-bom==7.5.0

mkdir "$folder/project"
cat >"$folder/project/METADATA" <<'METADATA'
Metadata-Version: 2.4
Name: kiln
Version: 1.0
Project-URL: Source, https://example.org/1
Project-URL: Source Code, https://example.org/2
Project-URL: Repository, https://example.org/3
Project-URL: Bug Tracker, https://example.org/4
Project-URL: Bugs, https://example.org/5
Project-URL: Changelog, https://example.org/6
Project-URL: History, https://example.org/7
METADATA
site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mv "$folder/project" "$site/kiln-1.0.dist-info"
"$folder/venv/bin/cyclonedx-py" environment "$folder/venv/bin/python" --of JSON >"$folder/bom"
python - >"$folder/seen" <<'PYTHON'
import json
import os
import pathlib

components = json.loads(pathlib.Path(os.environ["FOLDER"], "bom").read_text())["components"]
[kiln] = [component for component in components if component["name"] == "kiln"]
for link in sorted(kiln["externalReferences"], key=lambda link: link["url"]):
    print(link["comment"], "->", link["type"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
from packaging metadata Project-URL: Source -> other
from packaging metadata Project-URL: Source Code -> other
from packaging metadata Project-URL: Repository -> vcs
from packaging metadata Project-URL: Bug Tracker -> issue-tracker
from packaging metadata Project-URL: Bugs -> other
from packaging metadata Project-URL: Changelog -> release-notes
from packaging metadata Project-URL: History -> other
EXPECTED
