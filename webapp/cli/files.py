"""`flask files`: manage the files stored here."""

from pathlib import Path
from typing import IO

import click
import pymongo

from webapp.changes import claims, removal, staging
from webapp.changes.changing import write_out_leftovers
from webapp.changes.lost_bytes import put_back
from webapp.changes.uploads import digests_of
from webapp.cli.group import SiteGroup
from webapp.documents import StoredFile, contents
from webapp.documents.base import utc_now
from webapp.documents.stored_file import STORED
from webapp.inspection.files import GRACE, owned
from webapp.rules.texts import counted

files_group = SiteGroup("files", help="Manage the files stored here.")


@files_group.command("clean")
def clean_command() -> None:
    """Remove the remains of interrupted uploads and deletions. Safe at any time: files listed by projects are kept."""
    # With millions of files this takes longer than a request may.
    with pymongo.timeout(None):
        sessions = staging.settle_leftovers()
        uploads = claims.settle_leftovers()
        entries = write_out_leftovers()
        deletions = removal.settle_leftovers()
        unowned = contents.delete_unowned(owned, utc_now() - GRACE)
    click.echo(
        f"Settled {counted(uploads, 'unfinished uploads')} and {counted(deletions, 'unfinished deletions')}, "
        f"removed the bytes of {counted(unowned, 'files')} without an owner, "
        f"completed the journal of {counted(entries, 'projects')}, "
        f"and ended {counted(sessions, 'publishing sessions')}."
    )


@files_group.command("repair")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, dir_okay=False))
def repair_command(paths: tuple[Path, ...]) -> None:
    """Put back the bytes of published files that are missing or damaged here, from copies with the same SHA-256.

    Exits with 1 if a copy does not belong to a published file. The maintainers of a project can upload the file again
    instead.
    """
    is_wrong = False
    for path in paths:
        try:
            with path.open("rb") as file:
                sha256 = digests_of(file).sha256
                what = _repaired(path.name, sha256, file)
        except OSError as error:
            what = error.strerror or str(error)
        is_wrong = is_wrong or what not in _FINE
        click.echo(f"{path.name}: {what}", err=what not in _FINE)
    if is_wrong:
        raise SystemExit(1)


_FINE = ("put back", "not damaged")


def _repaired(filename: str, sha256: str, file: IO[bytes]) -> str:
    stored = StoredFile.objects.named(filename).only("state", "sha256").plain_first()
    if stored is None or stored.get("state") != STORED:
        return "no published file has this name"
    if stored.get("sha256") != sha256:
        return f"the published file has another SHA-256: {stored.get('sha256')}"
    with pymongo.timeout(None):
        return "put back" if put_back(filename, sha256, file) else "not damaged"
