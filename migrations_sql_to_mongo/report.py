"""Reports for the operator: on the terminal, as Markdown, as JSON, and a rejects file per table."""

import contextlib
import filecmp
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from migrations_sql_to_mongo.batching import TooManyRejects
from migrations_sql_to_mongo.errors import CannotStart, one_line
from migrations_sql_to_mongo.progress import duration
from migrations_sql_to_mongo.understood import as_lines
from webapp.rules.texts import counted

Report = dict[str, Any]

REPORT_TEXT, REPORT_JSON = "report.md", "report.json"
LATEST_ALONE = (
    "What the old site says about a project (summary, description, requirements, licence and so on) is shown for its "
    "latest release. It says nothing about older releases, so these are shown as unknown."
)


def as_text(report: Report) -> str:
    """Return a report as Markdown that is also readable on a terminal."""
    lines = [f"# migrate-sql {report['command']}", ""]
    lines += [f"- {name}: {report[name]}" for name in ("run", "state", "source", "target") if report.get(name)]
    lines.append("")
    if report.get("understood"):
        lines += as_lines(report["understood"])
    if tally := report.get("tally"):
        lines += _tables(tally)
        lines += _counted(tally, "reasons", "Rejected")
        lines += _counted(tally, "remarks", "Moved by a rule")
        lines += _documents(tally)
    if report.get("corrections"):
        lines += _corrections(report["corrections"])
    lines += _changes(report)
    if report.get("missing_tables"):
        lines += [f"Expected, but not in the source: {', '.join(report['missing_tables'])}.", ""]
    lines += _no_place(report)
    lines += _unused_rights(report)
    if report.get("in_the_way"):
        lines += ["## In the way", "", *(f"- {text}" for text in report["in_the_way"])]
        lines += ["", "`run` refuses; with --replace-existing it puts the old site's documents in their place.", ""]
    if report.get("differences"):
        lines += [
            f"## {counted(report['difference_count'], 'differences')}",
            "",
            *(f"- {text}" for text in report["differences"]),
            "",
        ]
    if report.get("compared"):
        compared = ", ".join(counted(count, table) for table, count in report["compared"].items() if count)
        lines += [f"Compared: {compared}."]
        if report["recognized"]:
            unchanged = counted(report["recognized"], "packages")
            lines += [f"Unchanged since they were compared last, according to their digests: {unchanged}."]
        else:
            if report["lost_microseconds"]:
                lines[-1] += f" {counted(report['lost_microseconds'], 'dates')} lost microseconds."
        lines += [f"Rendered again and compared: {counted(report['rendered_again'], 'descriptions')}.", ""]
    for title, key in (("Expected to take", "estimate_s"), ("Took", "seconds")):
        if report.get(key):
            parts = ", ".join(f"{name} {duration(seconds)}" for name, seconds in report[key].items())
            lines += [f"{title} {duration(sum(report[key].values()))}: {parts}.", ""]
    return "\n".join([*lines, report["summary"], ""])


def _tables(tally: Report) -> list[str]:
    head = ("table", "found", "migrated", "rejected", "excluded")
    lines = [
        f"| {head[0]:<11} |" + "".join(f" {name:>10} |" for name in head[1:]),
        f"|{'-' * 13}|" + "-----------:|" * 4,
    ]
    for name, table in tally["tables"].items():
        lines.append(f"| {name:<11} |" + "".join(f" {table[key]:>10,} |" for key in head[1:]))
    return [*lines, ""]


def _counted(tally: Report, key: str, title: str) -> list[str]:
    lines = [
        f"- {name}: {one['count']:,} x {one['text']} (for example {'; '.join(one['examples'])})"
        for name, table in tally["tables"].items()
        for one in table[key]
    ]
    return [f"## {title}", "", *lines, ""] if lines else []


def _documents(tally: Report) -> list[str]:
    parts = [
        f"{counted(count, name)} ({tally['size_bytes'].get(name, 0) / 1e6:,.1f} MB)"
        for name, count in tally["documents"].items()
    ]
    descriptions = counted(tally["descriptions"], "descriptions")
    lines = [f"Documents: {', '.join(parts) or 'none'}; {descriptions} to render.", ""]
    if tally["documents"].get("packages"):
        lines += [LATEST_ALONE, ""]
    if tally["large"]:
        lines += ["## Near the limit of 15 MB, or past it", ""]
        lines += [*(f"- {one['name']}: {one['size_bytes'] / 1e6:,.1f} MB" for one in tally["large"]), ""]
    return lines


def _corrections(account: Report) -> list[str]:
    lines = [f"- taken as corrected by `rejects replay`: {account['kept']:,}"] if account["kept"] else []
    if account["lost"]:
        rows = ", ".join(account["lost_rows"]) + (", ..." if account["lost"] > len(account["lost_rows"]) else "")
        text = "no longer fit, because the row has changed in the source or is gone"
        lines.append(f"- {text}: {account['lost']:,} ({rows}); read from the source")
    return ["## Corrected rows", "", *lines, ""]


def _changes(report: Report) -> list[str]:
    if "changes" not in report:
        return []
    lines = ["## Changes", ""]
    for name, kinds in report["changes"].items():
        lines.append(f"- {name}: {', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))}")
    lines += [] if report["changes"] else ["None."]
    if report["conflicts"]:
        lines += ["", f"## Conflicts: {report['conflict_count']:,}", ""]
        lines += [f"- {text}" for text in report["conflicts"]]
        if (more := report["conflict_count"] - len(report["conflicts"])) > 0:
            lines.append(f"- and {more:,} more")
    return [*lines, ""]


def _no_place(report: Report) -> list[str]:
    lines = [f"- table {name}" for name in report.get("unknown_tables", [])]
    lines += [f"- {name}.{column}" for name, columns in report.get("unknown_columns", {}).items() for column in columns]
    return ["## Not moved: no place for these here", "", *lines, ""] if lines else []


def _unused_rights(report: Report) -> list[str]:
    lines = [f"- users.{column}" for column in report.get("unused_rights", [])]
    if not lines:
        return []
    text = "These columns seem to say who may sign in or who is an administrator, and are ignored:"
    hint = "A map can take them as columns.is_active, columns.is_admin or columns.is_staff of [users]."
    return ["## Warning: access rights that are not moved", "", text, "", *lines, "", hint, ""]


def as_json(report: Report) -> str:
    """Return a report for machines."""
    return json.dumps(report, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class ReportFolder:
    """The folder given with --report; without one, nothing is written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CannotStart(f"--report {folder}: {one_line(error)}") from None

    @contextlib.contextmanager
    def rejects(self) -> Iterator[Callable[[Report], None]]:
        """Yield a function that writes a rejected row to its table's file.

        Files of an earlier report stay until all rows are written, or too many were rejected. Then they are replaced,
        but kept as .old if somebody may have corrected rows in them.
        """
        files: dict[str, TextIO] = {}
        self._remove_unfinished()
        with contextlib.ExitStack() as stack:

            def write(reject: Report) -> None:
                if self._folder is None:
                    return
                table = reject["table"]
                if table not in files:
                    path = self._folder / f"rejects-{table}.jsonl.new"
                    files[table] = stack.enter_context(path.open("w", encoding="utf-8"))
                files[table].write(json.dumps(reject, ensure_ascii=False) + "\n")

            try:
                yield write
            except TooManyRejects:
                stack.close()
                self._replace_rejects()
                raise
            except BaseException:
                stack.close()
                self._remove_unfinished()
                raise
        self._replace_rejects()

    def _remove_unfinished(self) -> None:
        for path in self._folder.glob("rejects-*.jsonl.new") if self._folder else ():
            path.unlink()

    def _replace_rejects(self) -> None:
        if self._folder is None:
            return
        new = {path.with_suffix(""): path for path in self._folder.glob("rejects-*.jsonl.new")}
        for path in self._folder.glob("rejects-*.jsonl"):
            if path not in new or not filecmp.cmp(path, new[path], shallow=False):
                path.replace(_free(path.with_name(f"{path.name}.old")))
        for path, written in new.items():
            written.replace(path)

    def write(self, report: Report) -> None:
        """Write the report."""
        if self._folder:
            (self._folder / REPORT_TEXT).write_text(as_text(report), encoding="utf-8")
            (self._folder / REPORT_JSON).write_text(as_json(report) + "\n", encoding="utf-8")


def _free(path: Path) -> Path:
    """Return this name, or the first with a number after it that no file has."""
    names = (path.with_name(f"{path.name}.{number}") for number in itertools.count(2))
    return path if not path.exists() else next(name for name in names if not name.exists())
