"""`flask packages`: import packages, and allow names."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import requests
from mongoengine.errors import ValidationError

from webapp.changes import new_names, pypi_json, site_stats
from webapp.cli import older_releases
from webapp.cli.group import SiteGroup
from webapp.cli.older_releases import OlderRelease
from webapp.documents import PackageTooLarge
from webapp.documents.package import ConcurrentChange
from webapp.rendering import RenderersBusy
from webapp.rules import naming
from webapp.rules.texts import counted, said_by

packages_group = SiteGroup("packages", help="Import packages, and allow names.")

PYPI = "https://pypi.org"
# Errors that stop the import of one document, not of the others.
REFUSALS = (pypi_json.RefusedDocument, PackageTooLarge, ConcurrentChange, ValidationError, RenderersBusy, OSError)


class Source(NamedTuple):
    """A document to import: its name in the report, and how to read it."""

    name: str
    read: Callable[[], bytes]
    index_url: str = ""


@packages_group.command("allow")
@click.argument("name")
def allow_command(name: str) -> None:
    """Allow a new project to have this name, even if it resembles another project or a module of Python."""
    try:
        new_names.allow(naming.normalize_name(name))
    except naming.InvalidName as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"A new project may now be called {name}.")


@packages_group.command("import")
@click.argument("paths", nargs=-1, metavar="PATH... | [URL] NAME...")
@click.option(
    "--from-index",
    is_flag=True,
    help=f"Fetch projects from an index's JSON API. The first argument may be its URL; the default is {PYPI}.",
)
@click.option(
    "--every-release",
    is_flag=True,
    help="With --from-index: also fetch what older releases state. If interrupted, repeat the command to continue.",
)
def import_command(paths: tuple[str, ...], *, from_index: bool, every_release: bool) -> None:
    """Import JSON documents as PyPI serves them: files, folders of *.json, or projects of another index.

    Existing packages are updated. Exits with 1 if something was refused or left out; standard error says what.
    """
    if not paths:
        raise click.UsageError("name at least one file, folder or project")
    if every_release and not from_index:
        raise click.UsageError("--every-release goes with --from-index")
    connection = older_releases.session()
    sources = list(_from_index(connection, paths) if from_index else _from_paths(paths))
    new = updated = refused = releases = files = warnings = 0
    problems: list[str] = []
    unknown: list[OlderRelease] = []
    with click.progressbar(sources, label="Importing", file=sys.stderr, item_show_func=_shown) as bar:
        for source in bar:
            try:
                document = source.read()
                imported = pypi_json.parse(document)
                was_new = imported.store()
                if every_release:
                    unknown += older_releases.unknown_releases(source.index_url, document, imported)
            except REFUSALS as error:
                refused += 1
                problems.append(f"{source.name}: refused: {_one_line(error)}")
                continue
            new, updated = new + was_new, updated + (not was_new)
            releases += imported.package.release_count
            files += sum(release.file_count for release in imported.package.releases)
            found = [*imported.remarks]
            if problem := imported.package.description_problem:
                found.append(f"the description could not be rendered: {problem}")
            warnings += len(found)
            problems += [f"{source.name}: {remark}" for remark in found]
    told = _keep_facts(connection, unknown, problems) if every_release else ""
    site_stats.refresh()
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(
        f"{counted(new + updated, 'packages')} imported ({new:,} new, {updated:,} updated) with "
        f"{counted(releases, 'releases')} and {counted(files, 'files')}; {counted(refused, 'documents')} refused, "
        f"{counted(warnings, 'warnings')}.{told}"
    )
    if problems:
        raise SystemExit(1)


def _from_paths(paths: tuple[str, ...]) -> Iterator[Source]:
    for path in map(Path, paths):
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise click.ClickException(f"{path}: this folder has no *.json files")
        for file in found:
            yield Source(str(file), file.read_bytes)


def _keep_facts(connection: requests.Session, releases: list[OlderRelease], problems: list[str]) -> str:
    """Fetch what older releases state; return what the report says of it."""
    failed = 0
    with click.progressbar(releases, label="Older releases", file=sys.stderr, item_show_func=_shown_release) as bar:
        for release in bar:
            try:
                older_releases.keep_facts(connection, release)
            except REFUSALS as error:
                failed += 1
                problems.append(f"{release.project} {release.version}: nothing known: {_one_line(error)}")
    found = len(releases) - failed
    verb = "states" if found == 1 else "state"
    return f" What {counted(found, 'older releases')} {verb} was fetched; {failed:,} failed."


def _shown_release(release: OlderRelease | None) -> str:
    return f"{release.project} {release.version}" if release else ""


def _from_index(connection: requests.Session, arguments: tuple[str, ...]) -> Iterator[Source]:
    has_url = arguments[0].startswith(("http://", "https://"))
    index_url, names = (arguments[0], arguments[1:]) if has_url else (PYPI, arguments)
    index_url = index_url.rstrip("/")
    if not names:
        raise click.UsageError("name at least one project of this index")
    for name in names:
        try:
            url = f"{index_url}/pypi/{naming.normalize_name(name)}/json"
        except naming.InvalidName as error:
            raise click.UsageError(str(error)) from None
        yield Source(name, partial(older_releases.fetch, connection, url), index_url)


def _shown(source: Source | None) -> str:
    return Path(source.name).stem if source else ""


def _one_line(error: Exception) -> str:
    # The report names the path anyway.
    return " ".join(said_by(error).split())[:500]
