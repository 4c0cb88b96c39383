"""`flask db check` and `flask db repair`: documents that break the rules."""

import click

from webapp.cli.db import db_group
from webapp.inspection.check import check


@db_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a finding.")
def check_command(*, as_json: bool) -> None:
    """Find documents that break the rules: one line each with collection, _id, rule and what is wrong.

    Exit code 1: there are some.
    """
    count = 0
    for finding in check():
        count += 1
        click.echo(finding.as_json() if as_json else finding.as_line())
    click.echo(f"{count:,} findings." if count else "Every document keeps the rules.", err=as_json)
    if count:
        raise SystemExit(1)


@db_group.command("repair")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be mended.")
def repair_command(*, dry_run: bool) -> None:
    """Mend what can be derived from the rest of the database, and say what is left for a person.

    Exit code 1: something is left, or would be mended.
    """
    mended = left = 0
    for finding in check():
        if finding.mend is None:
            done = "left"
        elif dry_run:
            done = "would be mended"
        else:
            done = "mended" if finding.mend() else "left"
        mended += done != "left"
        left += done == "left"
        click.echo(f"{done}: {finding.as_line()}")
    click.echo(f"{mended:,} {'would be mended' if dry_run else 'mended'}, {left:,} left.")
    if left or (dry_run and mended):
        raise SystemExit(1)
