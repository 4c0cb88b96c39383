"""`flask files`: looking after the files that are kept here."""

from datetime import timedelta

import bson
import click
import pymongo

from webapp.changes import claims, removal
from webapp.changes.changing import write_out_leftovers
from webapp.cli.group import SiteGroup
from webapp.documents import StoredFile, UpstreamFile, contents
from webapp.documents.base import utc_now

files_group = SiteGroup("files", help="Look after the files that are kept here.")

# No upload takes as long, so bytes without an owner that are older are left over.
GRACE = timedelta(hours=1)


@files_group.command("clean")
def clean_command() -> None:
    """Remove what killed uploads and deletions left. Nothing that a project lists is touched; run it at any time."""
    # Of 10 million files each is asked for once; that takes longer than a request may.
    with pymongo.timeout(None):
        uploads = claims.settle_leftovers()
        entries = write_out_leftovers()
        deletions = removal.settle_leftovers()
        unowned = contents.delete_unowned(_owned, utc_now() - GRACE)
    click.echo(
        f"{uploads} unfinished uploads and {deletions} unfinished deletions settled, "
        f"the bytes of {unowned} files removed that nobody owned, "
        f"the journal of {entries} projects completed."
    )


def _owned(content_ids: list[bson.ObjectId]) -> set[bson.ObjectId]:
    uploaded = StoredFile.objects.with_contents(content_ids).scalar("content_id")
    return {*uploaded, *UpstreamFile.objects(content_id__in=content_ids).scalar("content_id")}
