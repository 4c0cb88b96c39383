"""`flask files`: manage the files stored here."""

from datetime import timedelta

import bson
import click
import pymongo

from webapp.changes import claims, removal
from webapp.changes.changing import write_out_leftovers
from webapp.cli.group import SiteGroup
from webapp.documents import StoredFile, UpstreamFile, contents
from webapp.documents.base import utc_now

files_group = SiteGroup("files", help="Manage the files stored here.")

# No upload takes this long, so older bytes without an owner are left over.
GRACE = timedelta(hours=1)


@files_group.command("clean")
def clean_command() -> None:
    """Remove the remains of interrupted uploads and deletions. Safe at any time: files listed by projects are kept."""
    # With millions of files this takes longer than a request may.
    with pymongo.timeout(None):
        uploads = claims.settle_leftovers()
        entries = write_out_leftovers()
        deletions = removal.settle_leftovers()
        unowned = contents.delete_unowned(_owned, utc_now() - GRACE)
    click.echo(
        f"Settled {uploads} unfinished uploads and {deletions} unfinished deletions, "
        f"removed the bytes of {unowned} files without an owner, "
        f"and completed the journal of {entries} projects."
    )


def _owned(content_ids: list[bson.ObjectId]) -> set[bson.ObjectId]:
    uploaded = StoredFile.objects.with_contents(content_ids).scalar("content_id")
    return {*uploaded, *UpstreamFile.objects(content_id__in=content_ids).scalar("content_id")}
