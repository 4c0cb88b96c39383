"""`flask advisories`: import security advisories."""

import sys
from pathlib import Path

import click

from webapp.changes import advisories
from webapp.changes.advisories import CannotImport
from webapp.cli.group import SiteGroup
from webapp.rules.texts import counted

advisories_group = SiteGroup("advisories", help="Import security advisories.")


@advisories_group.command("import")
@click.argument("dump", required=False, type=click.Path(path_type=Path))
@click.option(
    "--add",
    "own",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add an advisory of your own, or replace it: a JSON file in the OSV format. Can be given several times.",
)
@click.option("--remove-most", is_flag=True, help="Import the dump even if most of the advisories here are not in it.")
def import_command(dump: Path | None, own: tuple[Path, ...], *, remove_most: bool) -> None:
    """Import a dump of OSV's PyPI advisories (all.zip), which replaces the last one, and advisories of your own.

    Exits with 1 if records of the dump had to be left out; standard error says which, and why. A dump without a usable
    record is refused.
    """
    if not dump and not own:
        raise click.UsageError("name a dump, or an advisory of your own with --add")
    try:
        for path in own:
            click.echo(f"Added {advisories.add_own(path)}.")
        left_out = _import(dump, may_remove_most=remove_most) if dump else []
    except CannotImport as error:
        raise click.ClickException(str(error)) from None
    for each in left_out:
        click.echo(f"Left out: {each}", err=True)
    if left_out:
        raise SystemExit(1)


def _import(dump: Path, *, may_remove_most: bool) -> list[str]:
    with click.progressbar(length=0, label="Importing", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        found = advisories.import_dump(dump, show, may_remove_most=may_remove_most)
    click.echo(
        f"{counted(found.records, 'advisories')} imported: {found.new:,} new, {found.changed:,} changed, "
        f"{found.unchanged:,} unchanged, {found.removed:,} removed, {len(found.left_out):,} left out."
    )
    return found.left_out


@advisories_group.command("remove")
@click.argument("advisory_id", metavar="ID")
def remove_command(advisory_id: str) -> None:
    """Remove an advisory of your own. If the next dump contains one with the same id, it comes back."""
    try:
        removed = advisories.remove_own(advisory_id)
    except CannotImport as error:
        raise click.ClickException(str(error)) from None
    if not removed:
        raise click.ClickException(f"{advisory_id} is not one of your own advisories.")
    click.echo(f"Removed {advisory_id}.")
