"""`flask db dump` and `flask db load`: the whole database into a folder, and back."""

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
    help="Do not ask a replica set for the state of one moment, which it keeps for 5 minutes by itself.",
)
def dump_command(folder: Path, *, no_snapshot: bool) -> None:
    """Write the whole database into DIR: Extended JSON lines, one file a collection, and a manifest."""
    with one_line():
        manifest = dump(Package._get_db(), folder, click.echo, snapshot=not no_snapshot)
    moment = (
        "They are as they were at one moment." if manifest.is_snapshot else "What was written meanwhile may be missing."
    )
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{documents:,} documents dumped to {folder}. {moment}")


@db_group.command("load")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def load_command(folder: Path) -> None:
    """Load what `dump` wrote into DIR into an empty database, byte for byte."""
    with one_line():
        manifest = load(Package._get_db(), folder, click.echo)
    documents = sum(collection.documents for collection in manifest.collections)
    click.echo(f"{documents:,} documents loaded, each the same bytes as in the dump.")


@contextmanager
def one_line() -> Iterator[None]:
    """End the command with one line when it cannot do what it should."""
    try:
        yield
    except (CannotDump, CannotLoad, BadDump) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the dump'}: {error.strerror or error}") from None
    except OperationFailure as error:
        if error.code == _SNAPSHOT_TOO_OLD:
            raise click.ClickException(
                "the dump took longer than MongoDB keeps the state of one moment. Nothing is left of it. Raise "
                "minSnapshotHistoryWindowInSeconds on each member, or stop the site and dump with --no-snapshot"
            ) from None
        raise click.ClickException(explained(error) or reason_of(error)) from None
