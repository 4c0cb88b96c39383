"""The commands: `python -m migrations_sql_to_mongo` and `flask --app app migrate-sql`.

Exit codes: 0 all rows are accounted for and none was rejected; 1 done, with rejects or conflicts; 2 wrong usage, or a
database that cannot be used; 3 refused, stopped before the end, or differences found.
"""

import functools
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from migrations_sql_to_mongo import changes, new_names, swap, undoing
from migrations_sql_to_mongo.catch_up import catch_up, expected, finishes, last_move
from migrations_sql_to_mongo.connecting import opened_database
from migrations_sql_to_mongo.corrections import correct, preview
from migrations_sql_to_mongo.digests import COMPARED, RENDERED, Written, chain_of
from migrations_sql_to_mongo.errors import CannotStart, Stopped, one_line
from migrations_sql_to_mongo.ledger import (
    CATCH_UP,
    DONE,
    FAILED,
    STEPS,
    UNDOING,
    UNDONE,
    Entry,
    Ledger,
    command_of,
    is_alive,
    kind,
    not_done,
)
from migrations_sql_to_mongo.options import Shared, limits, refuse_unencodable, run_options, shared_options
from migrations_sql_to_mongo.plan import plan
from migrations_sql_to_mongo.replay import corrected_rows, read_lines
from migrations_sql_to_mongo.report import Report, as_json
from migrations_sql_to_mongo.run import Differs, Options, SourceChanged, run
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.suggest import suggest
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.verify import Verification, verify
from migrations_sql_to_mongo.verify.compared import COMPARES, Compared
from migrations_sql_to_mongo.verify.descriptions import RENDERS
from webapp.rules.texts import counted


@click.group()
def main() -> None:
    """Move an SQL site into Larder: plan, run, catch-up, verify, and undo if necessary."""


@main.command("plan")
@shared_options()
@run_options
def plan_command(
    shared: Shared,
    on_error: str,
    max_rejects: int | None,
    max_reject_share: float | None,
    batch_size: int,
    *,
    replace_existing: bool,
) -> None:
    """Read everything, write nothing, and show what `run` will do."""
    _plan(shared, Options(batch_size, _limit(on_error, max_rejects), max_reject_share, replace_existing))


def _limit(on_error: str, max_rejects: int | None) -> int | None:
    return 0 if on_error == "stop" else max_rejects


def _plan(shared: Shared, options: Options) -> None:
    with shared.opened_target() as (target, ledger), shared.opened_source() as source:
        _refuse_empty(source)
        corrections = preview(source, target, ledger)
        with shared.folder.rejects() as on_reject:
            found = plan(source, target, ledger, shared.progress, on_reject, os.cpu_count() or 1)
        report = _report("plan", source, target, {"corrections": corrections, **found})
    if options.replace_existing:
        report["in_the_way"] = []
    if report["in_the_way"]:
        report |= {"exit_code": 3, "summary": "run would refuse: the target holds documents that no migration wrote."}
    elif reason := options.would_stop(Tally.from_dict(report["tally"])):
        report |= {"exit_code": 3, "summary": f"run would stop: {reason}."}
    else:
        report |= _outcome(report["tally"], f"run will move {_moved(report['tally'])}")
    shared.finish(report)


@main.command("run")
@shared_options()
@run_options
@click.option("--dry-run", is_flag=True, help="Same as plan.")
def run_command(
    shared: Shared,
    on_error: str,
    max_rejects: int | None,
    max_reject_share: float | None,
    batch_size: int,
    *,
    replace_existing: bool,
    dry_run: bool,
) -> None:
    """Copy, verify the copy, and replace the site's data with it. An interrupted run continues."""
    options = Options(batch_size, _limit(on_error, max_rejects), max_reject_share, replace_existing)
    if dry_run:
        _plan(shared, options)
        return
    with ExitStack() as stack:
        target, ledger = stack.enter_context(shared.opened_target())
        source = stack.enter_context(shared.opened_source())
        _refuse_empty(source)
        stack.enter_context(ledger.lock("run"))
        interrupted = ledger.interrupted()
        try:
            entry = _run(shared, source, target, ledger, options)
        except Differs as error:
            report = _report("run", source, target, {"run": ledger.runs()[0]["_id"], "state": FAILED})
            report |= _found(error.verification) | {"exit_code": 3, "summary": error.message}
            shared.folder.write(report)
            raise
        if interrupted and interrupted["state"] != STEPS[0] and interrupted["_id"] == entry["_id"]:
            _export_rejects(shared, target, entry["_id"])
        report = _report("run", source, target, _of_entry(entry))
    report |= _outcome(report["tally"], f"run {entry['_id']} moved {_moved(report['tally'])}")
    shared.finish(report)


def _run(shared: Shared, source: Source, target: Target, ledger: Ledger, options: Options) -> Entry:
    """Go on with an interrupted run, or start afresh if the source has changed since."""
    try:
        with shared.folder.rejects() as write:
            return run(source, target, ledger, options, shared.progress, write)
    except SourceChanged as changed:
        click.echo(changed.message, err=True)
    with shared.folder.rejects() as write:
        return run(source, target, ledger, options, shared.progress, write)


@main.command("catch-up")
@shared_options()
@limits
@click.option(
    "--verify",
    "to_verify",
    type=click.Choice(["changed", "all"]),
    default="changed",
    show_default=True,
    help="What to compare with the source before the site's data is replaced.",
)
@click.option("--dry-run", is_flag=True, help="Show what it would do, without writing.")
def catch_up_command(
    shared: Shared,
    on_error: str,
    max_rejects: int | None,
    max_reject_share: float | None,
    batch_size: int,
    to_verify: str,
    *,
    dry_run: bool,
) -> None:
    """Write only what has changed in the source since the last run or catch-up."""
    options = Options(batch_size, _limit(on_error, max_rejects), max_reject_share)
    with shared.opened_target() as (target, ledger), shared.opened_source() as source:
        _refuse_empty(source)
        if dry_run:
            with shared.folder.rejects() as write:
                found = expected(source, target, ledger, options, shared.progress, write)
        else:
            with ledger.lock("catch-up"):
                is_gathered = finishes(ledger.interrupted())
                with shared.folder.rejects() as write:
                    move = functools.partial(
                        catch_up, options=options, progress=shared.progress, on_reject=write,
                        verify_all=to_verify == "all",
                    )  # fmt: skip
                    found = _caught_up(shared, source, target, ledger, move)
                if is_gathered:
                    _export_rejects(shared, target, found["run"])
        report = _report("catch-up", source, target, found)
    shared.finish(report | _changed(report, dry_run=dry_run))


def _caught_up(shared: Shared, source: Source, target: Target, ledger: Ledger, move: Callable[..., Entry]) -> Report:
    """Write what has changed, and return the account. A report of differences is written before they are raised."""
    try:
        entry = move(source, target, ledger)
    except Differs as error:
        report = _report("catch-up", source, target, {"run": ledger.runs()[0]["_id"], "state": FAILED})
        report |= _found(error.verification) | {"exit_code": 3, "summary": error.message}
        shared.folder.write(report)
        raise
    return _of_entry(entry) | {key: entry[key] for key in ("changes", "conflict_count", "conflicts")}


def _changed(report: Report, *, dry_run: bool) -> Report:
    """Return the last line and the exit code of a catch-up."""
    if reason := report.get("would_stop"):
        return {"exit_code": 3, "summary": f"{report['command']} would stop: {reason}."}
    changed = sum(count for kinds in report["changes"].values() for count in kinds.values())
    verb = "would be" if dry_run else "was" if changed == 1 else "were"
    _, rows = _sums(report["tally"])
    outcome = _outcome(
        report["tally"], f"{counted(changed, 'documents')} {verb} changed, of {counted(rows, 'rows')} read"
    )
    if count := report["conflict_count"]:
        text = f"{outcome['summary']} {counted(count, 'conflicts')}: this site keeps its own version."
        return {"exit_code": 1, "summary": text}
    return outcome


@main.command("verify")
@shared_options()
@click.option("--run", "run_id", help="The run to verify; by default the last one.")
@click.option(
    "--render",
    "to_render",
    type=click.Choice(RENDERS),
    default="sample",
    show_default=True,
    help="Which descriptions to render again; digests show whether the others have changed.",
)
@click.option(
    "--compare",
    "to_compare",
    type=click.Choice(COMPARES),
    default="sample",
    show_default=True,
    help="Which packages to compare field by field again; digests show whether the others have changed.",
)
def verify_command(shared: Shared, run_id: str | None, to_render: str, to_compare: str) -> None:
    """Read both sides again, and compare every row with what it has become."""
    with shared.opened_target() as (target, ledger):
        entry = _finished(ledger, run_id)
        with shared.opened_source() as source:
            correct(source, target, entry)
            names = {one["name"]: one["name"] for one in entry["collections"]}
            rejects = swap.rejects_collection(entry["_id"])
            with Written(target, chain_of(ledger, entry), [RENDERED, COMPARED]) as written:
                digest = functools.partial(written.find, RENDERED)
                compared = None
                if to_compare == "sample":
                    compared = Compared(functools.partial(written.find_both, COMPARED))
                found = verify(
                    source, target, names, rejects, shared.progress,
                    render=to_render, rendered=digest, compared=compared,
                )  # fmt: skip
            report = _report("verify", source, target, {"run": entry["_id"]}) | _found(found)
    rows = counted(sum(found.rows.values()), "rows")
    report |= {"exit_code": 0, "summary": f"{rows} compared; every field matches."}
    if found.count:
        report |= {"exit_code": 3, "summary": f"{rows} compared, {counted(found.count, 'differences')}."}
    shared.finish(report)


def _resumed(times: int) -> str:
    return "" if not times else "resumed once" if times == 1 else f"resumed {times:,} times"


@main.command("status")
@shared_options(reads_source=False)
def status_command(shared: Shared) -> None:
    """Show the runs, their states, and the one that is running."""
    with shared.opened_target() as (target, ledger):
        runs, holder = ledger.runs(), ledger.holder()
        shown = target.shown
    lines = [
        f"{entry['_id']}  {kind(entry):<8}  {entry['state']:<10}  "
        f"started {entry['started_at']:%Y-%m-%d %H:%M:%S}  {_resumed(entry['resumed']):<17}{entry['source']}"
        + (f"  {entry['error']}" if entry.get("error") else "")
        for entry in runs
    ]
    if holder:
        holder["is_alive"] = is_alive(holder)
        state = "at work" if holder["is_alive"] else "interrupted"
        lines.append(f"{state}: {holder['command']}, process {holder['pid']} on {holder['host']}")
    if shared.is_json:
        click.echo(as_json({"target": shown, "runs": runs, "lock": holder, "exit_code": 0}))
    else:
        click.echo("\n".join(lines) or f"{shown} has seen no move.")


@main.command("undo")
@shared_options(reads_source=False)
@click.option("--run", "run_id", help="The run to undo; by default the last one.")
@click.option("--discard-changes", is_flag=True, help="Also discard what was changed on the site since the run.")
@click.option("--dry-run", is_flag=True, help="Show what would be undone.")
def undo_command(shared: Shared, run_id: str | None, *, discard_changes: bool, dry_run: bool) -> None:
    """Restore what the site had before a run."""
    with shared.opened_target() as (target, ledger):
        entry = ledger.run(run_id) if run_id else next((one for one in ledger.runs() if one["state"] != UNDONE), None)
        if entry is None or entry["state"] == UNDONE:
            what = f"no run {run_id} that could be undone" if run_id else "nothing to undo"
            raise CannotStart(f"there is {what} in {target.shown}")
        is_catch_up = entry.get("command") == CATCH_UP
        changed = (changes.changed_collections if is_catch_up else swap.changed_collections)(target, entry)
        # An interrupted undo may have removed the list of changes.
        is_unchanged = not changed and entry["state"] != UNDOING
        lines = [
            f"{one['name']}: what the {kind(entry)} changed is as it was before"
            if is_catch_up
            else f"{one['name']}: back to the {counted(one['was']['documents'], 'documents')} before the run"
            if one["was"]
            else f"{one['name']}: removed, as it was not there before the run"
            for one in entry["collections"]
            if one["name"] in changed
        ]
        if dry_run:
            refuse_undo = undoing.refuse_undo if is_catch_up else swap.refuse_undo
            refuse_undo(target, ledger, entry, discard=discard_changes)
            if is_catch_up:
                lines += undoing.who_would_lack(target, entry)
        else:
            with ledger.lock("undo"):
                if is_catch_up:
                    lines += undoing.take_back(target, ledger, entry, discard=discard_changes)
                else:
                    swap.undo(target, ledger, entry, discard=discard_changes)
                new_names.forget(target, entry)
                target.patiently(target.refresh_stats)
                ledger.note(entry, state=UNDONE)
    what = f"{kind(entry)} {entry['_id']}{', which changed nothing,' if is_unchanged else ''}"
    summary = f"{what} {'would be' if dry_run else 'was'} undone."
    shared.finish(
        {
            "command": "undo",
            "run": entry["_id"],
            "collections": lines,
            "exit_code": 0,
            "summary": "\n".join([*lines, summary]),
        }
    )


@main.group("map")
def map_group() -> None:
    """Create a map of another site's tables."""


@map_group.command("suggest")
@click.option("--source", envvar="MIGRATE_SOURCE", required=True, help="The old database: an SQLAlchemy URL.")
@click.option("--output", type=click.Path(path_type=Path), help="A new file for the map; by default it is printed.")
def suggest_command(source: str, output: Path | None) -> None:
    """Examine a database, and write a first draft of a map."""
    refuse_unencodable((source, output))
    with opened_database(source) as (connection, catalog):
        text = suggest(connection, catalog)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CannotStart(f"--output {output}: {one_line(error)}") from None
    click.echo(f"Wrote {output}. Read it, then check what it means: plan --map {output}")


@main.group("rejects")
def rejects_group() -> None:
    """Handle rejected rows."""


@rejects_group.command("replay")
@click.argument("file", type=click.Path(path_type=Path))
@shared_options()
@limits
@click.option("--dry-run", is_flag=True, help="Show what it would do, without writing.")
def replay_command(
    shared: Shared,
    file: Path,
    on_error: str,
    max_rejects: int | None,
    max_reject_share: float | None,
    batch_size: int,
    *,
    dry_run: bool,
) -> None:
    """Write what the corrected rows of a rejects FILE change, and what else has changed in the source."""
    options = Options(batch_size, _limit(on_error, max_rejects), max_reject_share)
    with shared.opened_target() as (target, ledger), shared.opened_source() as source:
        _refuse_empty(source)
        lines = read_lines(file, source)
        if dry_run:
            corrected = corrected_rows(lines, source, target, last_move(source, ledger))
            found = expected(source, target, ledger, options, shared.progress, None, corrected)
        else:
            with ledger.lock("rejects replay"):
                if finishes(ledger.interrupted()):
                    catch_up(source, target, ledger, options, shared.progress)
                corrected = corrected_rows(lines, source, target, last_move(source, ledger))
                with shared.folder.rejects() as write:
                    move = functools.partial(
                        catch_up, options=options, progress=shared.progress, on_reject=write, corrected=corrected
                    )
                    found = _caught_up(shared, source, target, ledger, move)
        report = _report("rejects replay", source, target, found)
    outcome = _changed(report, dry_run=dry_run)
    if lost := (report["corrections"] or {}).get("lost"):
        text = f"{outcome['summary']} {counted(lost, 'corrections')} not applied."
        outcome = {"exit_code": outcome["exit_code"] or 1, "summary": text}
    shared.finish(report | outcome)


def _refuse_empty(source: Source) -> None:
    if not any(source.count(table) for table in source.tables):
        raise CannotStart(
            f"the source {source.masked_url} has the tables, but they hold no rows: there is nothing to move"
        )


def _finished(ledger: Ledger, run_id: str | None) -> Entry:
    entry = ledger.run(run_id) if run_id else next((one for one in ledger.runs() if one["state"] != UNDONE), None)
    if entry is None:
        raise CannotStart(f"the ledger knows no run {run_id}" if run_id else "the target has seen no run")
    if entry["state"] in STEPS:
        what = f"{kind(entry)} {entry['_id']} was interrupted while {entry['state']}"
        raise Stopped(f"{what}: `{command_of(entry)}` goes on with it")
    if entry["state"] != DONE:
        raise not_done(entry)
    return entry


def _export_rejects(shared: Shared, target: Target, run_id: str) -> None:
    with shared.folder.rejects() as write:
        for reject in target.db[swap.rejects_collection(run_id)].find().sort("_id", 1):
            write(reject)


def _report(command: str, source: Source, target: Target, found: Report) -> Report:
    return {
        "command": command,
        "source": source.masked_url,
        "target": target.shown,
        "missing_tables": source.missing_tables,
        "unknown_tables": source.unknown_tables,
        "unknown_columns": source.unknown_columns,
        "unused_rights": source.unused_rights,
        **found,
    }


def _of_entry(entry: Entry) -> Report:
    return {"run": entry["_id"]} | {key: entry[key] for key in ("state", "tally", "seconds", "resumed", "corrections")}


def _found(found: Verification) -> Report:
    return {
        "compared": found.rows,
        "lost_microseconds": found.lost_microseconds,
        "recognized": found.recognized,
        "rendered_again": found.rendered,
        "other_renderer": found.other_renderer,
        "difference_count": found.count,
        "differences": found.differences,
    }


def _sums(tally: Report) -> tuple[int, int]:
    tables = tally["tables"].values()
    return sum(table["rejected"] for table in tables), sum(table["read"] for table in tables)


def _moved(tally: Report) -> str:
    """Tell how many rows are moved."""
    rejected, rows = _sums(tally)
    excluded = sum(table["excluded"] for table in tally["tables"].values())
    text = f"{rows - rejected - excluded:,} of {counted(rows, 'rows')}"
    return f"{text}; {excluded:,} excluded" if excluded else text


def _outcome(tally: Report, text: str) -> Report:
    rejected, _ = _sums(tally)
    if rejected:
        return {"exit_code": 1, "summary": f"{text}; {rejected:,} rejected."}
    return {"exit_code": 0, "summary": f"{text}; none rejected."}
