"""`flask db dump` and `flask db load`: write the whole database to a folder, and load it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pymongo.errors import OperationFailure

from webapp.cli.db import db_group
from webapp.documents import Package
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.load import CannotLoad, load, verify
from webapp.inspection.manifest import BadDump
from webapp.inspection.moment import SNAPSHOT_TOO_OLD
from webapp.inspection.restore import CannotRestore, restore_project
from webapp.mongodb.errors import explained, reason_of
from webapp.rules.texts import counted


@db_group.command("dump")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--no-snapshot",
    is_flag=True,
    help="Do not read a consistent snapshot, which a replica set keeps for 5 minutes by default.",
)
def dump_command(folder: Path, *, no_snapshot: bool) -> None:
    """Write the whole database to DIR: a file for each collection, and a manifest.

    To continue an interrupted dump, repeat the command.
    """
    with one_line():
        manifest = dump(Package._get_db(), folder, click.echo, snapshot=not no_snapshot)
    moment = "All of them are from the same moment."
    if manifest.outside:
        moment = f"All of them are from the same moment, except those of {', '.join(manifest.outside)}."
    if not manifest.is_snapshot:
        moment = "Writes made in the meantime may be missing."
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{counted(documents, 'documents')} dumped to {folder}. {moment}")


@db_group.command("load")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--check", is_flag=True, help="Only verify the dump: read all of it, and compare it with its manifest.")
def load_command(folder: Path, *, check: bool) -> None:
    """Load the dump in DIR into an empty database, byte for byte."""
    if check:
        with one_line():
            checked = verify(folder)
        said = counted(sum(collection.documents for collection in checked.collections), "documents")
        click.echo(f"The dump is whole: {said} of {checked.database}, dumped {checked.dumped_at}.")
        return
    with one_line():
        manifest = load(Package._get_db(), folder, click.echo)
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{counted(documents, 'documents')} loaded, byte for byte as in the dump.")


@db_group.command("restore-project")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Show what would be restored, and look for its bytes, without changes.")
def restore_project_command(folder: Path, name: str, *, dry_run: bool) -> None:
    """Restore the deleted project NAME from the dump in DIR, while the site keeps running.

    Its files, their bytes, its history and its place in searches and lists come back with it.
    """
    with one_line():
        restore_project(folder, name, click.echo, dry_run=dry_run)
    click.echo("It would be restored." if dry_run else "It was restored.")


@contextmanager
def one_line() -> Iterator[None]:
    """Turn expected failures into one line of text."""
    try:
        yield
    except (CannotDump, CannotLoad, CannotRestore, BadDump) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the dump'}: {error.strerror or error}") from None
    except OperationFailure as error:
        if error.code == SNAPSHOT_TOO_OLD:
            raise click.ClickException(
                "the dump took longer than MongoDB keeps a snapshot, so it was removed. Raise "
                "minSnapshotHistoryWindowInSeconds on each member, or stop the site and dump with --no-snapshot"
            ) from None
        raise click.ClickException(explained(error) or reason_of(error)) from None
