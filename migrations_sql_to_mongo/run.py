"""`run`: copy the source into staging collections, verify them, and replace the site's data with them."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Self

from migrations_sql_to_mongo import new_names, swap
from migrations_sql_to_mongo.batching import Batch, TooManyRejects, batches
from migrations_sql_to_mongo.changes import Change, found_changes
from migrations_sql_to_mongo.copying import COLLECTIONS, REJECTS, Copy, OnReject
from migrations_sql_to_mongo.corrections import correct, fitting, take_over
from migrations_sql_to_mongo.digests import Written, chunk_of, chunk_of_users, digests_collection, digests_of_user
from migrations_sql_to_mongo.errors import Stopped
from migrations_sql_to_mongo.ledger import (
    CATCH_UP,
    DONE,
    FAILED,
    RUN,
    STEPS,
    UNDOING,
    UNDONE,
    Entry,
    Ledger,
    command_of,
    kind,
    not_done,
    now,
)
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.recognizing import Recognizer
from migrations_sql_to_mongo.rendering import render_staged
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target, bson_id
from migrations_sql_to_mongo.verify import Verification, verify
from migrations_sql_to_mongo.verify.compared import Compared, kept_in
from webapp.rules.texts import counted


@dataclass(frozen=True)
class Options:
    """The operator's options for a run."""

    batch_size: int = 500
    max_rejects: int | None = None  # 0 stops at the first one
    max_reject_share: float | None = None  # percent of a table
    replace_existing: bool = False

    def would_stop(self, tally: Tally) -> str | None:
        """Return why so many rejects would stop a run; None if they would not."""
        if self.max_rejects is not None and tally.rejected > self.max_rejects:
            return f"{counted(tally.rejected, 'rows')} would be rejected, and {self.max_rejects:,} may be"
        return tally.past_share(self.max_reject_share)


class Differs(Stopped):
    """The copy differs from the source; nothing was swapped in."""

    def __init__(self, verification: Verification) -> None:
        super().__init__(
            f"the copy differs from the source in {verification.count} places, "
            f"for example {verification.differences[0]}; nothing was swapped in"
        )
        self.verification = verification


class SourceChanged(Stopped):
    """The source is not what an interrupted run has copied; what that staged is removed, and a new run can begin."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"the source has changed since run {entry['_id']} was interrupted: starting afresh")


def run(
    source: Source,
    target: Target,
    ledger: Ledger,
    options: Options,
    progress: Progress,
    on_reject: OnReject | None = None,
) -> Entry:
    """Move everything, and return the ledger's entry. An interrupted run goes on from its last checkpoint.

    `on_reject` is given each rejected row whole, unless the rows were copied before the run was interrupted.

    `source` is open, and the caller holds the lock. Raises Stopped; SourceChanged if the same call again starts afresh.
    """
    if undoing := next((one for one in ledger.runs() if one["state"] == UNDOING), None):
        raise not_done(undoing)
    entry = ledger.interrupted()
    if entry and entry.get("command") == CATCH_UP:
        what = f"{kind(entry)} {entry['_id']} was interrupted"
        raise Stopped(f"{what}: `{command_of(entry)}` ends it, `undo` takes it back")
    entry = _resumed(entry, source, target, ledger, options) if entry else _begun(source, target, ledger, options)
    if "corrections" not in entry:
        take_over(target, ledger, entry, fitting(source, target, ledger))
    correct(source, target, entry)
    if entry["resumed"] and entry["state"] != "swapping" and _has_changed(source, target, entry):
        raise _given_up(target, ledger, entry)
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "copying": lambda: _copy(source, target, ledger, entry, options, progress, on_reject),
        "rendering": lambda: render(target, entry, progress),
        "indexing": lambda: _index(target, entry, progress),
        "verifying": lambda: _verify(source, target, ledger, entry, progress),
        "swapping": lambda: _swap(target, ledger, entry, progress),
    }
    for step in STEPS[STEPS.index(entry["state"]) :]:
        started = time.monotonic()
        found = steps[step]()
        seconds = {**entry["seconds"], step: round(time.monotonic() - started, 3)}
        following = (*STEPS, DONE)[STEPS.index(step) + 1]
        ledger.note(entry, **found, seconds=seconds, state=following)
    ledger.note(entry, ended_at=now())
    return entry


def _begun(source: Source, target: Target, ledger: Ledger, options: Options) -> Entry:
    collections = [name for name in COLLECTIONS if name in source.tables]
    if "packages" not in collections and {"releases", "maintainers"} & {*source.tables}:
        collections.append("packages")
    found = swap.standing(target, collections)
    if not options.replace_existing and (foreign := swap.foreign(target, ledger, found)):
        raise Stopped(
            f"{'; '.join(foreign)}. --replace-existing puts the old site's documents in their place; "
            "`undo` would bring these back"
        )
    return ledger.begin(
        {
            "command": RUN,
            "has_digests": True,
            "source": source.masked_url,
            "layout": source.layout.as_dict(),
            "options": asdict(options),
            "rows": {table: source.count(table) for table in source.tables},
            "checkpoint": {"batches": 0},
            "resumed": 0,
            "seconds": {},
        },
        lambda run_id: [one | {"was": found.get(one["name"])} for one in swap.staged(run_id, collections)],
    )


def _resumed(entry: Entry, source: Source, target: Target, ledger: Ledger, options: Options) -> Entry:
    """Return the run that continues. Raises SourceChanged, or Stopped if this is a different migration."""
    if what := source.unlike(entry):
        raise Stopped(
            f"the {what} must be the same as for run {entry['_id']}, which was interrupted; "
            "or take that run back with `undo`"
        )
    rows = {table: source.count(table) for table in source.tables}
    if entry["state"] != "swapping" and entry["rows"] != rows:
        raise _given_up(target, ledger, entry)
    # The batches must stay the same, because the checkpoint counts them.
    kept = {**asdict(options), "batch_size": entry["options"]["batch_size"]}
    ledger.note(entry, resumed=entry["resumed"] + 1, options=kept)
    return entry


def _has_changed(source: Source, target: Target, entry: Entry) -> bool:
    """Tell whether documents that were copied have changed in the source, before more work is put into the others."""
    names = [one["name"] for one in entry["collections"]]
    with Written(target, [entry["_id"]], names) as written:
        found = found_changes(Copy(source, Tally()).documents(), written, names)
        return any(isinstance(one, Change) and one.was is not None for one in found)


def _given_up(target: Target, ledger: Ledger, entry: Entry) -> SourceChanged:
    """Remove what an interrupted run staged, and return the reason. If this is interrupted, the next run repeats it."""
    # Without its documents the run must not go on from its checkpoint.
    ledger.note(entry, state=STEPS[0], checkpoint={"batches": 0})
    swap.remove_staged(target, entry)
    changed = SourceChanged(entry)
    ledger.note(entry, state=UNDONE, ended_at=now(), error=changed.message)
    return changed


def _copy(
    source: Source,
    target: Target,
    ledger: Ledger,
    entry: Entry,
    options: Options,
    progress: Progress,
    on_reject: OnReject | None,
) -> dict[str, Any]:
    """Copy what the last checkpoint does not cover.

    All of the source is read and counted again after an interruption, so that the account, the rejects and the
    batches are those of an undisturbed run; only the writing of the first batches is left out.
    """
    names = {one["name"]: one["staging"] for one in entry["collections"]}
    names[REJECTS] = swap.rejects_collection(entry["_id"])
    _create(target, entry)
    tally = Tally()
    copy = Copy(source, tally, max_rejects=options.max_rejects, on_reject=on_reject, recognizer=Recognizer(source))
    done = entry["checkpoint"]["batches"]

    digests = digests_collection(entry["_id"])

    def write(number: int, batch: Batch) -> None:
        if batch.collection != REJECTS:
            # Waits for the journal: the documents may be written again after a crash, which would not bring these back.
            kept = [chunk_of(f"{number:012}", batch.collection, batch.documents, batch.rows)]
            if batch.collection == "users":
                users = {bson_id(document): digests_of_user(document) for document in batch.documents}
                kept.append(chunk_of_users(f"{number:012}", users))
            target.insert(digests, kept)
        target.insert(names[batch.collection], batch.documents)
        if not batch.is_last:
            ledger.checkpoint(entry, batches=number, collection=batch.collection)

    with _OneAhead(write) as ahead:
        try:
            for number, batch in enumerate(batches(copy.documents(), entry["options"]["batch_size"]), start=1):
                if number > done:
                    ahead.put(number, batch)
                table = tally.tables.get(batch.collection)
                if table:
                    progress.update(f"copying {batch.collection}", table.read, table.found)
        except TooManyRejects as error:
            ledger.note(entry, tally=tally.as_dict(), error=error.message)
            raise
    progress.finish()
    tally.check()
    if text := tally.past_share(options.max_reject_share):
        ledger.note(entry, tally=tally.as_dict(), error=text)
        raise TooManyRejects(
            f"{text}. Nothing was swapped in. --report FOLDER lists the rows; --max-reject-share 100 continues anyway"
        )
    return {"tally": tally.as_dict(), "error": None}


def _create(target: Target, entry: Entry) -> None:
    """Create the staging collections, so that an empty table becomes an empty collection."""
    for collection in entry["collections"]:
        if not target.is_mock and not target.patiently(target.has, collection["staging"]):
            target.patiently(target.db.create_collection, collection["staging"])


class _OneAhead:
    """Writes each batch in a thread, so that the next one is assembled while the server works.

    Use it in a `with` block. One batch at a time, in order. With two processors this makes a run a third faster.
    """

    def __init__(self, write: Callable[[int, Batch], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="migration-write")
        self._pending: Future[None] | None = None
        # By default a thread with an answer waits 5 ms for its turn, several times per batch.
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._interval)
        with self._pool:
            self._wait()

    def put(self, number: int, batch: Batch) -> None:
        """Write a batch after the one before, and raise what that one raised."""
        self._wait()
        self._pending = self._pool.submit(self._write, number, batch)

    def _wait(self) -> None:
        if self._pending:
            self._pending.result()


def render(target: Target, entry: Entry, progress: Progress) -> dict[str, Any]:
    """Render the descriptions of the staged packages, and return how many there are as {"rendered": count}."""
    for collection in entry["collections"]:
        if collection["name"] == "packages":
            count = render_staged(
                target,
                collection["staging"],
                lambda done, total: progress.update("rendering", done, total),
                digests_collection(entry["_id"]),
            )
            progress.finish()
            return {"rendered": count}
    return {}


def _index(target: Target, entry: Entry, progress: Progress) -> dict[str, Any]:
    progress.say("building indexes")
    for collection in entry["collections"]:
        target.patiently(target.ensure_indexes, collection["name"], collection["staging"])
    return {}


def _verify(source: Source, target: Target, ledger: Ledger, entry: Entry, progress: Progress) -> dict[str, Any]:
    names = {one["name"]: one["staging"] for one in entry["collections"]}
    rejects, compared = swap.rejects_collection(entry["_id"]), Compared(keep=kept_in(target, entry["_id"]))
    found = verify(source, target, names, rejects, progress, render=None, compared=compared)
    if found.differences and entry["resumed"]:
        raise _given_up(target, ledger, entry)
    if found.differences:
        ledger.note(entry, state=FAILED, ended_at=now(), error=found.differences[0])
        raise Differs(found)
    for collection in entry["collections"]:
        collection["is"] = found.fingerprints[collection["name"]]
    return {"collections": entry["collections"]}


def _swap(target: Target, ledger: Ledger, entry: Entry, progress: Progress) -> dict[str, Any]:
    progress.say("swapping in")
    new_names.note_staged(target, entry)
    swap.keep_and_swap(target, ledger, entry)
    target.patiently(target.refresh_stats)
    return {"collections": entry["collections"]}
