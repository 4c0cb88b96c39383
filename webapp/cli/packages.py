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
from webapp.cli.group import SiteGroup
from webapp.documents import PackageTooLarge
from webapp.documents.package import ConcurrentChange
from webapp.rules import naming

packages_group = SiteGroup("packages", help="Import packages, and allow names.")

PYPI = "https://pypi.org"
TIMEOUT_S = 30
# PyPI's largest document is about 20 MB.
MAX_DOCUMENT_BYTES = 100_000_000
# Errors that stop the import of one document, not of the others.
REFUSALS = (pypi_json.RefusedDocument, PackageTooLarge, ConcurrentChange, ValidationError, OSError)


class Source(NamedTuple):
    """A document to import: its name in the report, and how to read it."""

    name: str
    read: Callable[[], bytes]


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
def import_command(paths: tuple[str, ...], *, from_index: bool) -> None:
    """Import JSON documents as PyPI serves them: files, folders of *.json, or projects of another index.

    Existing packages are updated. Exits with 1 if something was refused or left out; standard error says what.
    """
    if not paths:
        raise click.UsageError("name at least one file, folder or project")
    sources = list(_from_index(paths) if from_index else _from_paths(paths))
    new = updated = refused = releases = files = warnings = 0
    problems: list[str] = []
    with click.progressbar(sources, label="Importing", file=sys.stderr, item_show_func=_shown) as bar:
        for source in bar:
            try:
                imported = pypi_json.parse(source.read())
                was_new = imported.store()
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
    site_stats.refresh()
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(
        f"{new + updated} packages imported ({new} new, {updated} updated) with {releases:,} releases and "
        f"{files:,} files; {refused} documents refused, {warnings} warnings."
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


def _from_index(arguments: tuple[str, ...]) -> Iterator[Source]:
    has_url = arguments[0].startswith(("http://", "https://"))
    index_url, names = (arguments[0], arguments[1:]) if has_url else (PYPI, arguments)
    if not names:
        raise click.UsageError("name at least one project of this index")
    session = requests.Session()
    for name in names:
        try:
            url = f"{index_url.rstrip('/')}/pypi/{naming.normalize_name(name)}/json"
        except naming.InvalidName as error:
            raise click.UsageError(str(error)) from None
        yield Source(name, partial(_fetch, session, url))


def _fetch(session: requests.Session, url: str) -> bytes:
    # requests' own errors are OSErrors too.
    with session.get(url, timeout=TIMEOUT_S, headers={"Accept": "application/json"}, stream=True) as response:
        if response.status_code == 404:
            raise pypi_json.RefusedDocument(f"{url}: no such project")
        response.raise_for_status()
        body = b""
        for part in response.iter_content(1_000_000):
            body += part
            if len(body) > MAX_DOCUMENT_BYTES:
                raise pypi_json.RefusedDocument(f"{url}: more than {MAX_DOCUMENT_BYTES:,} bytes")
    return body


def _shown(source: Source | None) -> str:
    return Path(source.name).stem if source else ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
