"""`flask pages`: import and export content pages as Markdown files."""

from pathlib import Path

import click
from mongoengine.errors import ValidationError

from webapp.cli.group import SiteGroup
from webapp.documents import Page
from webapp.pages.markdown_files import NoTitle, page_from_file, page_to_text
from webapp.rules.texts import counted

pages_group = SiteGroup("pages", help="Import and export content pages.")


@pages_group.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_command(folder: Path) -> None:
    """Store each *.md below a folder as the page at the file's path. The first line is the title: "# Title"."""
    files = sorted(folder.rglob("*.md"))
    if not files:
        raise click.ClickException(f"{folder}: this folder has no *.md files")
    refused = plain = 0
    for file in files:
        try:
            page = page_from_file(file, folder)
            page.save()
        except (NoTitle, ValidationError, UnicodeError) as error:
            refused += 1
            click.echo(f"{file}: refused: {error}", err=True)
        else:
            if page.content_problem:
                plain += 1
                click.echo(f"{file}: could not be rendered: {page.content_problem}", err=True)
    click.echo(f"{counted(len(files) - refused, 'pages')} stored, {refused} refused.")
    if refused or plain:
        raise SystemExit(1)


@pages_group.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_command(folder: Path) -> None:
    """Write each page as a Markdown file below a folder, without overwriting existing files."""
    targets, problems = {}, []
    for page in (Page(**plain) for plain in Page.objects.order_by("pk").plain()):
        try:
            page.validate()  # somebody may have edited it by hand, and its path might lead out of the folder
        except ValidationError as error:
            problems.append(str(error))
        else:
            targets[folder / f"{page.path}.md"] = page
    taken = [str(path) for path in targets if path.exists()]
    if taken:
        raise click.ClickException(f"nothing was written, because these files exist: {', '.join(taken)}")
    for path, page in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page_to_text(page), encoding="utf-8")
    for problem in problems:
        click.echo(f"refused: {problem}", err=True)
    click.echo(f"{counted(len(targets), 'pages')} written to {folder}.")
    if problems:
        raise SystemExit(1)
