"""`flask db`: indexes, sizes, and the first contents of a new database."""

import click
from flask import current_app
from pymongo.errors import OperationFailure

from webapp.changes import claims, removal, search_index, site_stats, staging
from webapp.changes.changing import write_out_leftovers
from webapp.changes.installed import INSTALLED_HERE, installed_packages
from webapp.changes.pypi_json import store
from webapp.cli.group import SiteGroup
from webapp.documents import DOCUMENTS, IndexProblems, Package, SiteStats, ensure_indexes, ensure_validators
from webapp.documents.indexes import IndexProblem
from webapp.documents.journal import lift_counter
from webapp.documents.release_facts import INSTALLED
from webapp.pages.defaults import add_default_pages
from webapp.rules.texts import counted
from webapp.serving.filters import filesize

db_group = SiteGroup("db", help="Manage the database.")


@db_group.command("ensure-indexes")
def ensure_indexes_command() -> None:
    """Build missing indexes, and set the rules by which the server validates documents.

    Exits with 1 if an index cannot be built, after all others.
    """
    if problems := _ensure_indexes_and_rules():
        raise click.ClickException("\n".join(map(str, problems)))
    click.echo("All indexes exist.")


def _ensure_indexes_and_rules() -> list[IndexProblem]:
    """Build the indexes and set the rules; return which indexes cannot be built."""
    problems = []
    try:
        ensure_indexes(DOCUMENTS)
    except IndexProblems as error:
        problems = error.problems
    ensure_validators(Package._get_db(), DOCUMENTS)
    return problems


@db_group.command("stats")
def stats_command() -> None:
    """Show the number of documents in each collection, and the size of its data and indexes."""
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
    """Build the indexes, and fill an empty database with the packages installed here and the first content pages."""
    prepare_database()


@db_group.command("rebuild-search")
def rebuild_search_command() -> None:
    """Rebuild the search index from the packages. Needed only after manual edits that did not change `updated_date`."""
    click.echo(f"The search index has {counted(search_index.rebuild(_say_read), 'packages')}.")


def _say_read(number: int) -> None:
    if number % 50_000 == 0:
        click.echo(f"Indexing packages for the search: {number:,} ...", err=True)


def prepare_database() -> None:
    """Prepare the database for the site, without changing what exists.

    The statistics come last, so if the first fill is killed halfway, the next start continues it. The first start after
    an upgrade rebuilds the search index. Without an index for questions the site is slow; without one that keeps keys
    unique it would let in more twins, so it does not start.
    """
    problems = _ensure_indexes_and_rules()
    for problem in problems:
        if not problem.is_unique:
            click.echo(f"warning: {problem}", err=True)
    if blocking := [str(problem) for problem in problems if problem.is_unique]:
        raise click.ClickException("\n".join(blocking))
    add_default_pages()
    staging.settle_leftovers()
    claims.settle_leftovers()
    lift_counter()
    write_out_leftovers()
    removal.settle_leftovers()
    others = Package.objects(__raw__={"releases.comment": {"$ne": INSTALLED_HERE}})
    # Names that are here are never requested from upstream, and these packages have no files.
    is_filled = not current_app.config["UPSTREAM_INDEX"] and not SiteStats.objects(pk="site").count_up_to(1)
    if is_filled and not others.count_up_to(1):
        packages = {package.pk: package for package in installed_packages()}
        for package in packages.values():
            store(package, source=INSTALLED)
        click.echo(f"The index was empty. It now has what is installed here: {counted(len(packages), 'packages')}.")
        site_stats.refresh()
    search_index.catch_up(_say_read)
