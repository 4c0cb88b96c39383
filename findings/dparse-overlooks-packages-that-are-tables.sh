#!/usr/bin/env bash
# dparse 0.6.4 leaves out each package of a Pipfile that is written as a table.
#
# In a Pipfile a package has either a version or a table, which can hold a version as well as extras, markers or the
# name of an index, and pipenv pins the version in both. dparse finds only the packages without a table, and says
# nothing of the others, so that a tool that looks up what dparse returns has not looked at all packages.
. "$(dirname "$0")/lib/setup.bash" dparse==0.6.4

python - >"$folder/seen" <<'PYTHON'
from dparse import filetypes, parse

PIPFILES = [
    '[packages]\nflask = "==3.0.0"\n',
    '[packages]\nflask = {version = "==3.0.0"}\n',
    '[packages]\nflask = {version = "==3.0.0", extras = ["async"]}\n',
    '[packages.flask]\nversion = "==3.0.0"\n',
]
for text in PIPFILES:
    found = parse(text, file_type=filetypes.pipfile).dependencies
    names = [f"{dependency.name} {dependency.specs}" for dependency in found]
    print(text.splitlines()[-1], "->", *names or ["nothing"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
flask = "==3.0.0" -> flask ==3.0.0
flask = {version = "==3.0.0"} -> nothing
flask = {version = "==3.0.0", extras = ["async"]} -> nothing
version = "==3.0.0" -> nothing
EXPECTED
