"""Fills the site's database with a made-up catalogue that looks like PyPI, to measure with.

python -m benchmarks.catalogue --packages 50000
"""

import sys
import time

import click
from flask import current_app
from flask.cli import ScriptInfo, with_appcontext
from pymongo.errors import BulkWriteError

from benchmarks.catalogue import loading
from webapp.documents import Package

# More is more than PyPI will have for long.
MOST_PACKAGES = 10_000_000


@click.command()
@click.option("--packages", type=click.IntRange(1, MOST_PACKAGES), default=1000, show_default=True)
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Another seed makes other packages."
)
@click.option("--processes", type=click.IntRange(1, 16), default=2, show_default=True, help="How many processes write.")
@click.option("--add", is_flag=True, help="Write into a database that already holds packages.")
@with_appcontext
def synthesize(packages: int, seed: int, processes: int, *, add: bool) -> None:
    """Make up a catalogue that looks like PyPI, to measure with. The same seed gives the same packages."""
    if not add and Package.objects.count_up_to(1):
        raise click.ClickException("this database holds packages; --add writes beside them")
    started = time.monotonic()
    settings = current_app.config["MONGODB_SETTINGS"]
    with click.progressbar(length=packages, label="Writing", file=sys.stderr) as bar:
        try:
            loading.load(packages, seed, processes, settings["host"], lambda done: bar.update(done - bar.pos))
        except BulkWriteError as error:
            raise click.ClickException(
                f"some of these packages are here already: {str(error).splitlines()[0][:200]}"
            ) from None
    written = time.monotonic()
    click.echo(f"{packages:,} packages written in {written - started:.1f} s, {packages / (written - started):,.0f}/s.")
    loading.finish()
    click.echo(f"Indexes, words and statistics took {time.monotonic() - written:.1f} s.")


if __name__ == "__main__":
    synthesize(obj=ScriptInfo(app_import_path="app"))
