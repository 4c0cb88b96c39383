"""`flask db check` and `flask db repair`: find inconsistent documents, and repair them."""

import click

from webapp.cli.db import db_group
from webapp.inspection.check import check
from webapp.rules.texts import counted


@db_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per finding.")
@click.option("--deep", is_flag=True, help="Read the bytes of all files, and compare them with their SHA-256.")
def check_command(*, as_json: bool, deep: bool) -> None:
    """Find inconsistent documents, and print one line each: collection, _id, rule and what is wrong.

    Exits with 1 if there are any.
    """
    count = 0
    for finding in check(deep=deep):
        count += 1
        click.echo(finding.as_json() if as_json else finding.as_line())
    said = f"{counted(count, 'findings')}." if count else "No findings."
    click.echo(said, err=as_json)
    if count:
        raise SystemExit(1)


@db_group.command("repair")
@click.option("--dry-run", is_flag=True, help="Show what would be repaired, without changing anything.")
def repair_command(*, dry_run: bool) -> None:
    """Repair whatever can be derived from the rest of the database, and list what has to be fixed by hand.

    Exits with 1 if something is left or, with --dry-run, would be repaired.
    """
    repaired = left = 0
    # All of them first: a dry run sees the same, while a repair may bring up more, for the next time.
    for finding in list(check()):
        if finding.repair is None:
            done = "left"
        elif dry_run:
            done = "would be repaired" if finding.would is None or finding.would() else "left"
        else:
            done = "repaired" if finding.repair() else "left"
        repaired += done != "left"
        left += done == "left"
        click.echo(f"{done}: {finding.as_line()}")
    click.echo(f"{repaired:,} {'would be repaired' if dry_run else 'repaired'}, {left:,} left.")
    if left or (dry_run and repaired):
        raise SystemExit(1)
