"""`flask db dump` and `flask db load`: write the whole database to a folder, and load it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pymongo.errors import OperationFailure

from webapp.cli.db import db_group
from webapp.documents import Package
from webapp.inspection.dump import CannotDump, dump
from webapp.inspection.load import CannotLoad, load
from webapp.inspection.manifest import BadDump
from webapp.mongodb.errors import explained, reason_of

_SNAPSHOT_TOO_OLD = 239


@db_group.command("dump")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--no-snapshot",
    is_flag=True,
    help="Do not read a consistent snapshot, which a replica set keeps for 5 minutes by default.",
)
def dump_command(folder: Path, *, no_snapshot: bool) -> None:
    """Write the whole database to DIR: one file of Extended JSON lines per collection, and a manifest."""
    with one_line():
        manifest = dump(Package._get_db(), folder, click.echo, snapshot=not no_snapshot)
    moment = (
        "All of them are from the same moment."
        if manifest.is_snapshot
        else "Writes made in the meantime may be missing."
    )
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{documents:,} documents dumped to {folder}. {moment}")


@db_group.command("load")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def load_command(folder: Path) -> None:
    """Load the dump in DIR into an empty database, byte for byte."""
    with one_line():
        manifest = load(Package._get_db(), folder, click.echo)
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{documents:,} documents loaded, byte for byte as in the dump.")


@contextmanager
def one_line() -> Iterator[None]:
    """Turn expected failures into one line of text."""
    try:
        yield
    except (CannotDump, CannotLoad, BadDump) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the dump'}: {error.strerror or error}") from None
    except OperationFailure as error:
        if error.code == _SNAPSHOT_TOO_OLD:
            raise click.ClickException(
                "the dump took longer than MongoDB keeps a snapshot, so it was removed. Raise "
                "minSnapshotHistoryWindowInSeconds on each member, or stop the site and dump with --no-snapshot"
            ) from None
        raise click.ClickException(explained(error) or reason_of(error)) from None
