"""The options that the commands share, and how their errors become one line and an exit code."""

import functools
import math
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pymongo.errors import PyMongoError

from migrations_sql_to_mongo.errors import CannotStart, MoveError, Stopped, without_details
from migrations_sql_to_mongo.layout import Layout
from migrations_sql_to_mongo.ledger import Ledger
from migrations_sql_to_mongo.map_file import read_layout
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.report import Report, ReportFolder, as_json, as_text
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.target import Target, open_target
from webapp.rules.texts import is_encodable

Command = Callable[..., Any]


@dataclass
class Shared:
    """The options that all commands share."""

    source: str | None
    target: str | None
    layout: Layout
    folder: ReportFolder
    progress: Progress
    is_json: bool

    @contextmanager
    def opened_target(self) -> Iterator[tuple[Target, Ledger]]:
        """Connect to the target."""
        target = open_target(self.target)
        try:
            yield target, Ledger(target)
        finally:
            target.close()

    def opened_source(self) -> Source:
        """Return the source, not yet connected. Raises CannotStart if none was given."""
        return Source(self.source_url(), self.layout)

    def source_url(self) -> str:
        """Return the source's address. Raises CannotStart if none was given."""
        if not self.source:
            raise CannotStart("name the old site's database: --source sqlite:///old.sqlite, or MIGRATE_SOURCE")
        return self.source

    def finish(self, report: Report) -> None:
        """Write the report, and exit with its code."""
        self.folder.write(report)
        click.echo(as_json(report) if self.is_json else as_text(report))
        raise SystemExit(report["exit_code"])


def shared_options(*, reads_source: bool = True) -> Callable[[Command], Command]:
    """Add the shared options to a command, and turn errors into one line and an exit code."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**options: Any) -> Any:
            want_traceback, is_json = options.pop("traceback"), options["as_json"]
            try:
                refuse_unencodable(options.values())
                return command(_shared(options, reads_source=reads_source), **options)
            except (MoveError, click.UsageError) as error:
                failure: click.ClickException = error
            except KeyboardInterrupt:
                failure = Stopped("interrupted; repeat the command to continue from here")
            except PyMongoError as error:
                failure = Stopped(without_details(error))
            except Exception as error:  # noqa: BLE001 -- a mistake of ours is one line too, unless asked for more
                what = f"{type(error).__name__}: {without_details(error)}"
                failure = Stopped(f"unexpected {what} (--traceback shows where)")
                failure.__cause__ = error
            if want_traceback:
                _print_traceback(failure.__cause__ or failure)
            if is_json:
                click.echo(as_json({"error": failure.format_message(), "exit_code": failure.exit_code}))
            raise failure

        options: list[Command] = [
            click.option("--target", envvar="MIGRATE_TARGET", help="MongoDB URL; by default that of the site."),
            click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
            click.option(
                "--report", type=click.Path(path_type=Path), help="Folder for the report and the rejects files."
            ),
            click.option("--quiet", is_flag=True, help="Do not show progress."),
            click.option("--traceback", is_flag=True, help="Show the traceback of an error."),
        ]
        if reads_source:
            options = [
                click.option("--source", envvar="MIGRATE_SOURCE", help="The old database, as an SQLAlchemy URL."),
                *options,
                click.option(
                    "--map",
                    "map_file",
                    type=click.Path(path_type=Path),
                    help="TOML file with the names of tables and columns.",
                ),
                click.option(
                    "--timezone", multiple=True, help="Zone of times without one, or table.column=ZONE; by default UTC."
                ),
                click.option("--encoding", help="Encoding of text that is not UTF-8."),
            ]
        return functools.reduce(lambda made, option: option(made), reversed(options), wrapped)

    return decorate


def refuse_unencodable(arguments: Iterable[Any]) -> None:
    """Raise CannotStart if an argument is not text in UTF-8. It is not named: it may contain a password."""
    if not all(is_encodable(str(one)) for one in arguments):
        raise CannotStart("an argument is not text in UTF-8")


def _print_traceback(error: BaseException) -> None:
    """Show where an error occurred. Python's own form would repeat all of its message, with whole documents."""
    click.echo("Traceback (most recent call last):", err=True)
    traceback.print_tb(error.__traceback__)
    click.echo(f"{type(error).__name__}: {without_details(error)}", err=True)


def _shared(options: dict[str, Any], *, reads_source: bool) -> Shared:
    """Take the shared options out of a command's."""
    layout = Layout()
    if reads_source:
        layout = read_layout(options.pop("map_file"), options.pop("timezone"), options.pop("encoding"))
    return Shared(
        source=options.pop("source", None),
        target=options.pop("target"),
        layout=layout,
        folder=ReportFolder(options.pop("report")),
        progress=Progress(quiet=options.pop("quiet")),
        is_json=options.pop("as_json"),
    )


def _refuse_nan(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


def limits(command: Command) -> Command:
    """Add the options for rejects and batches to a command."""
    options: list[Command] = [
        click.option(
            "--on-error",
            type=click.Choice(["reject", "stop"]),
            default="reject",
            show_default=True,
            help="What to do with a row that cannot become a document.",
        ),
        click.option("--max-rejects", type=click.IntRange(min=0), help="Stop after more rejected rows than this."),
        click.option(
            "--max-reject-share",
            type=click.FloatRange(0, 100),
            callback=_refuse_nan,
            help="Percentage of a table that may be rejected. By default 5; of a table with fewer than 20 rows, all "
            "but one row. catch-up goes on with that of the run.",
        ),
        click.option(
            "--batch-size",
            type=click.IntRange(1, 100_000),
            default=500,
            show_default=True,
            help="Documents per write.",
        ),
    ]
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def run_options(command: Command) -> Command:
    """Add the options for runs to a command."""
    replaces = click.option(
        "--replace-existing",
        is_flag=True,
        help="Replace documents that did not come from a migration; undo restores them.",
    )
    return limits(replaces(command))
