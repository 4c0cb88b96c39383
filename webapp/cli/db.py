"""`flask db`: indexes, and what a new database starts with."""

import click
from flask import current_app
from pymongo.errors import OperationFailure

from webapp.changes import claims, removal, search_index, site_stats
from webapp.changes.changing import write_out_leftovers
from webapp.changes.installed import INSTALLED_HERE, installed_packages
from webapp.changes.pypi_json import keep
from webapp.cli.group import SiteGroup
from webapp.documents import DOCUMENTS, Package, SiteStats, ensure_indexes, ensure_validators
from webapp.documents.release_facts import INSTALLED
from webapp.pages.defaults import keep_default_pages
from webapp.serving.filters import filesize

db_group = SiteGroup("db", help="Look after the database.")


@db_group.command("ensure-indexes")
def ensure_indexes_command() -> None:
    """Build the indexes that are not there yet, and set the rules that the server keeps about documents."""
    ensure_indexes(DOCUMENTS)
    ensure_validators(Package._get_db(), DOCUMENTS)
    click.echo("All indexes are there.")


@db_group.command("stats")
def stats_command() -> None:
    """Print for each collection how many documents it has, and how much room these and its indexes take."""
    database = Package._get_db()
    lines = [f"{'collection':<18}{'documents':>12}{'average':>12}{'data':>12}{'on disk':>12}{'indexes':>12}"]
    for document_type in DOCUMENTS:
        name = document_type._get_collection_name()
        try:
            stats = database.command({"collStats": name})
        except (OperationFailure, NotImplementedError):  # a view, or a server that cannot tell
            stats = {"count": database[name].estimated_document_count()}
        sizes = [stats.get(key) for key in ("avgObjSize", "size", "storageSize", "totalIndexSize")]
        shown = "".join(f"{filesize(int(size)) if size is not None else '-':>12}" for size in sizes)
        lines.append(f"{name:<18}{stats.get('count', 0):>12,}{shown}")
    click.echo("\n".join(lines))


@db_group.command("init")
def init_command() -> None:
    """Build the indexes; fill an empty database with the packages installed here and the first content pages."""
    prepare_database()


@db_group.command("rebuild-search")
def rebuild_search_command() -> None:
    """Make what searches read anew, from the packages. Needed only after an edit that left `updated_date` as it was."""
    click.echo(f"The search knows {search_index.rebuild(_say_read):,} packages.")


def _say_read(number: int) -> None:
    if number % 50_000 == 0:
        click.echo(f"Reading packages for the search: {number:,} ...", err=True)


def prepare_database() -> None:
    """Make the database ready for the site. What is there already stays as it is.

    The statistics come last, so a first fill that was killed half-way goes on at the next start. A first start after an
    upgrade makes what searches read from the packages.
    """
    ensure_indexes(DOCUMENTS)
    ensure_validators(Package._get_db(), DOCUMENTS)
    keep_default_pages()
    claims.settle_leftovers()
    write_out_leftovers()
    removal.settle_leftovers()
    others = Package.objects(__raw__={"releases.comment": {"$ne": INSTALLED_HERE}})
    # A name that is here is never asked for upstream, and these have no files.
    is_filled = not current_app.config["UPSTREAM_INDEX"] and not SiteStats.objects(pk="site").count_up_to(1)
    if is_filled and not others.count_up_to(1):
        packages = {package.pk: package for package in installed_packages()}
        for package in packages.values():
            keep(package, source=INSTALLED)
        click.echo(f"The index was empty; it now holds the {len(packages)} packages installed here.")
        site_stats.refresh()
    search_index.catch_up(_say_read)
