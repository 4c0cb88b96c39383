#!/usr/bin/env bash
# pip-requirements-parser 32.0.1 reads a requirement with === and cannot write it, and takes ==1.* for one version.
#
# By PEP 440 what follows === is compared as text and may be any, and ==1.* is a prefix that many versions match. The
# parser reads both, but dumps() sorts the conditions by version and ends in an InvalidVersion at the first: so does
# that of the whole file. is_pinned is to tell whether a requirement is "pinned to an exact version".
. "$(dirname "$0")/lib/setup.bash" pip-requirements-parser==32.0.1 packaging==26.4 pyparsing==3.3.3

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion
from pip_requirements_parser import RequirementsFile

file = pathlib.Path(os.environ["FOLDER"], "requirements.txt")


def written(of):
    try:
        return of.dumps().strip()
    except InvalidVersion as error:
        return f"InvalidVersion: {error}"


for line in ("kiln==1.0", "kiln===2004d", "kiln==1.*"):
    file.write_text(f"{line}\n")
    parsed = RequirementsFile.from_file(str(file))
    [requirement] = parsed.requirements
    print(line, "specifier", requirement.specifier, "pinned", requirement.is_pinned, requirement.get_pinned_version)
    print("  written alone:", written(requirement))
    print("  written with its file:", written(parsed))
print("==1.* matches", *SpecifierSet("==1.*").filter(["1.0", "1.1", "2.0"]))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln==1.0 specifier ==1.0 pinned True 1.0
  written alone: kiln==1.0
  written with its file: kiln==1.0
kiln===2004d specifier ===2004d pinned True 2004d
  written alone: InvalidVersion: Invalid version: '2004d'
  written with its file: InvalidVersion: Invalid version: '2004d'
kiln==1.* specifier ==1.* pinned True 1.*
  written alone: kiln==1.*
  written with its file: kiln==1.*
==1.* matches 1.0 1.1
EXPECTED
