"""`catch-up`: bring the site up to date with the source, writing only what has changed there since the last migration.

The whole source is read and encoded as in `run`, but only documents whose digest differs from what was written before
are staged, rendered, verified and then put in place, one by one. Changes made on the new site stay, and are reported if
the source changed the same document.
"""

import functools
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from migrations_sql_to_mongo import changes, new_names, swap, undoing
from migrations_sql_to_mongo.applying import apply
from migrations_sql_to_mongo.batching import Encoded, TooManyRejects, batches
from migrations_sql_to_mongo.changes import Change, Unchanged
from migrations_sql_to_mongo.conflicts import SHOWN, counted, said
from migrations_sql_to_mongo.copying import COLLECTIONS, REJECTS, Copy, OnReject
from migrations_sql_to_mongo.corrections import correct, fitting, preview, take_over
from migrations_sql_to_mongo.digests import EDITABLE, Written, chain_of, chunk, digests_collection
from migrations_sql_to_mongo.errors import CannotStart, Stopped
from migrations_sql_to_mongo.ledger import (
    CATCH_UP,
    DONE,
    FAILED,
    STEPS,
    UNDONE,
    Entry,
    Ledger,
    command_of,
    kind,
    not_done,
    now,
)
from migrations_sql_to_mongo.narrowing import keys_of
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.recognizing import Recognizer
from migrations_sql_to_mongo.run import Differs, Options, render
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target, bson_id
from migrations_sql_to_mongo.unique_values import Wanted, free, lacking, restored, unique_of
from migrations_sql_to_mongo.verify import Behind, verify
from migrations_sql_to_mongo.verify.compared import Compared, kept_in

CHANGES = "changes"
KEPT_AT_A_TIME = 1000


def catch_up(
    source: Source,
    target: Target,
    ledger: Ledger,
    options: Options,
    progress: Progress,
    on_reject: OnReject | None = None,
    *,
    verify_all: bool = False,
    corrected: Collection[dict[str, Any]] = (),
) -> Entry:
    """Write what changed in the source since the last migration, and return the ledger's entry.

    `source` is open, and the caller holds the lock. `corrected` are rows that replace the source's from now on, as
    `corrected_rows` returns them. An interrupted catch-up starts again, or finishes if only the last step is left.
    Raises Stopped.
    """
    entry = _resumed(ledger, target) or _begun(source, target, ledger, options, corrected)
    correct(source, target, entry)
    options = replace(options, max_reject_share=entry["options"]["max_reject_share"])
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "copying": lambda: _gather(source, target, ledger, entry, options, progress, on_reject),
        "rendering": lambda: render(target, entry, progress),
        "verifying": lambda: _verify(source, target, ledger, entry, progress, everything=verify_all),
        "swapping": lambda: _put_in_place(target, ledger, entry, progress),
    }
    names = list(steps)
    for step in names[names.index(entry["state"]) :]:
        started = time.monotonic()
        found = steps[step]()
        seconds = {**entry["seconds"], step: round(time.monotonic() - started, 3)}
        ledger.note(entry, **found, seconds=seconds, state=[*names, DONE][names.index(step) + 1])
    ledger.note(entry, ended_at=now())
    return entry


def expected(
    source: Source,
    target: Target,
    ledger: Ledger,
    options: Options,
    progress: Progress,
    on_reject: OnReject | None,
    corrected: Collection[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return what `catch_up` would do, without writing: the account, the changes by kind, and the conflicts.

    Raises Stopped if an interrupted one has begun to write.
    """
    interrupted = ledger.interrupted()
    if interrupted and finishes(interrupted):
        what = f"{kind(interrupted)} {interrupted['_id']} was interrupted while it wrote"
        raise Stopped(f"{what}: `{command_of(interrupted)}` ends it")
    last = last_move(source, ledger)
    corrections = preview(source, target, ledger, corrected)
    tally = Tally()
    made: Counter[tuple[str, str]] = Counter()
    conflicts: list[tuple[int, str, Any, str]] = []
    # Number, kind, and what only one may have: whether they get it is seen in the end.
    users: dict[Any, tuple[int, str, dict[str, Any]]] = {}
    names = [one["name"] for one in last["collections"]]
    with Written(target, chain_of(ledger, last), [*names, EDITABLE]) as written:
        recognizer = _recognizer(source, written, tally, progress)
        stream = Copy(source, tally, on_reject=on_reject, recognizer=recognizer).documents()
        found = changes.found_changes(stream, written, names)
        moved = (one for one in found if isinstance(one, Change))
        for number, (change, reason) in enumerate(_foreseen(target, moved)):
            if reason:
                conflicts.append((number, change.collection, change.id, reason))
            elif change.collection == "users":
                users[change.id] = (number, change.kind, unique_of(change.document))
            else:
                made[change.collection, change.kind] += 1
    refused = {key for _, name, key, _ in conflicts if name == "users"}
    wanted = {key: unique for key, unique in lacking(target).items() if key not in refused}
    wanted |= {key: unique for key, (_, _, unique) in users.items()}
    can_have = _who_can_have(target, wanted, [key for key in wanted if key not in users])
    made.update(("users", kind_of_change) for key, (_, kind_of_change, _) in users.items() if key in can_have)
    # In the order of the changes; those without a change come last.
    numbers = {key: users[key][0] if key in users else sys.maxsize for key in {*wanted} - can_have}
    conflicts += ((number, "users", key, changes.TAKEN) for key, number in numbers.items())
    progress.finish()
    tally.check()
    kinds: dict[str, dict[str, int]] = {}
    for (name, how), number in made.items():
        kinds.setdefault(name, {})[how] = number
    return {"run": last["_id"], "tally": tally.as_dict(), "changes": kinds} | {
        "conflict_count": len(conflicts),
        "conflicts": [
            said(target, name, key, reason, wanted.get(key), can_have)
            for _, name, key, reason in sorted(conflicts)[:SHOWN]
        ],
        "corrections": corrections,
        "would_stop": _as_before(options, last).would_stop(tally),
    }


def _who_can_have(target: Target, wanted: Wanted, later: list[Any]) -> set[Any]:
    """Return the users who will get the username and address that they want.

    `later` are users whose rows have not changed, but who still lack something: they get what is left.
    """
    can_have = free(target, wanted)
    given = {pair for key in can_have - {*later} for pair in wanted[key].items()}
    for key in later:
        if not given.isdisjoint(wanted[key].items()):
            can_have.discard(key)
        elif key in can_have:
            given |= wanted[key].items()
    return can_have


def _foreseen(target: Target, moved: Iterator[Change]) -> Iterator[tuple[Change, str | None]]:
    """Yield each change, and why it may not be made, apart from what only one user may have."""
    while group := list(itertools.islice(moved, changes.MOST)):
        live = {
            name: {bson_id(one): one for one in target.raw_documents(name, {"_id": {"$in": [c.id for c in those]}})}
            for name in {change.collection for change in group}
            if (those := [change for change in group if change.collection == name])
        }
        for change in group:
            stored = live[change.collection].get(change.id)
            if stored and change.collection == "users":
                stored = restored(stored)
            yield change, changes.refused(change, stored)


def finishes(entry: Entry | None) -> bool:
    """Tell whether an interrupted run is a catch-up of which only the last step is left."""
    return entry is not None and entry.get("command") == CATCH_UP and entry["state"] == "swapping"


def last_move(source: Source, ledger: Ledger) -> Entry:
    """Return the run or catch-up that a catch-up follows. Raises CannotStart or Stopped if there is none."""
    runs = [entry for entry in ledger.runs() if entry["state"] not in (UNDONE, FAILED)]
    last = next((entry for entry in runs if entry["state"] == DONE), None)
    if interrupted := next((entry for entry in runs if entry["state"] in STEPS), None):
        if interrupted.get("command") != CATCH_UP:
            raise Stopped(f"run {interrupted['_id']} was interrupted while {interrupted['state']}: `run` ends it")
    elif runs and runs[0]["state"] != DONE:
        raise not_done(runs[0])
    if last is None:
        raise CannotStart("nothing has been moved yet: start with `run`")
    if what := source.unlike(last):
        raise CannotStart(f"the {what} must be the same as for run {last['_id']}")
    if lost := [table for table in last["tally"]["tables"] if table not in (*source.tables, *source.excluded)]:
        # Everything in them would count as deleted, although perhaps only a right was taken away.
        raise CannotStart(f"run {last['_id']} moved {', '.join(lost)}, which the source no longer has: `run` again")
    known = {one["name"] for one in last["collections"]}
    more = [table for table in source.tables if table in COLLECTIONS and table not in known]
    if more or not last.get("has_digests"):
        why = f"has no {', '.join(more)}" if more else "is by an older version, which kept no digests"
        raise CannotStart(f"run {last['_id']} {why}: `run` again")
    return last


def _resumed(ledger: Ledger, target: Target) -> Entry | None:
    """Return the interrupted catch-up if only its last step is left; remove what an earlier one staged."""
    entry = ledger.interrupted()
    if entry is None or entry.get("command") != CATCH_UP:
        return None
    if finishes(entry):
        ledger.note(entry, resumed=entry["resumed"] + 1)
        return entry
    # The old site may have changed in the meantime, and only the list of changes is lost.
    _give_up(ledger, target, entry, "interrupted; the next catch-up started over")
    return None


def _give_up(ledger: Ledger, target: Target, entry: Entry, why: str) -> None:
    """Remove what a catch-up has staged."""
    undoing.take_back(target, ledger, entry, discard=True)
    ledger.note(entry, state=UNDONE, ended_at=now(), error=why)


def _begun(
    source: Source, target: Target, ledger: Ledger, options: Options, corrected: Collection[dict[str, Any]]
) -> Entry:
    last = last_move(source, ledger)
    options = _as_before(options, last)
    found = fitting(source, target, ledger, corrected)
    was = {one["name"]: one["is"] for one in last["collections"]}
    entry = ledger.begin(
        {
            "command": CATCH_UP,
            "replayed": len(corrected),
            "since": last["_id"],
            "has_digests": True,
            "source": source.masked_url,
            "layout": source.layout.as_dict(),
            "options": asdict(options),
            "checkpoint": {},
            "resumed": 0,
            "seconds": {},
        },
        lambda run_id: [one | {"was": was[one["name"]]} for one in swap.staged(run_id, list(was))],
    )
    take_over(target, ledger, entry, found)
    return entry


def _as_before(options: Options, last: Entry) -> Options:
    """Allow as many rejects as the last move did, unless the operator has said how many."""
    if options.max_reject_share is not None:
        return options
    return replace(options, max_reject_share=last["options"]["max_reject_share"])


def _recognizer(source: Source, written: Written, tally: Tally, progress: Progress) -> Recognizer:
    """Return what recognizes rows by what was written, and tells how far the reading is."""
    written.recognize_rows()
    numbers = itertools.count()

    def is_known(collection: str, rows: bytes) -> bool:
        if next(numbers) % 500 == 0:
            table = tally.table(collection)
            progress.update(f"reading {collection}", table.read, table.found)
        return written.take_rows(collection, rows)

    return Recognizer(source, is_known)


def _gather(
    source: Source,
    target: Target,
    ledger: Ledger,
    entry: Entry,
    options: Options,
    progress: Progress,
    on_reject: OnReject | None,
) -> dict[str, Any]:
    """Stage what has changed, and record each change. Too many rejects take all of that back."""
    last = ledger.run(entry["since"]) or {}
    names = {one["name"]: one["staging"] for one in entry["collections"]}
    moved = list(names)
    names |= {REJECTS: swap.rejects_collection(entry["_id"]), CHANGES: changes.changes_collection(entry["_id"])}
    tally = Tally()
    with Written(target, chain_of(ledger, last), [*moved, EDITABLE]) as written:
        recognizer = _recognizer(source, written, tally, progress)
        copy = Copy(source, tally, max_rejects=options.max_rejects, on_reject=on_reject, recognizer=recognizer)
        found = changes.found_changes(copy.documents(), written, moved)
        staged = _staged(found, functools.partial(_keep_rows, target, entry))
        try:
            for batch in batches(staged, options.batch_size):
                target.insert(names[batch.collection], batch.documents)
        except TooManyRejects as error:
            ledger.note(entry, tally=tally.as_dict())
            _give_up(ledger, target, entry, error.message)
            raise
    progress.finish()
    tally.check()
    if text := tally.past_share(options.max_reject_share):
        ledger.note(entry, tally=tally.as_dict())
        _give_up(ledger, target, entry, text)
        raise TooManyRejects(f"{text}. Nothing was changed. --max-reject-share 100 continues anyway")
    return {"tally": tally.as_dict(), "error": None}


def _staged(
    found: Iterator[Change | Unchanged | Encoded], keep_rows: Callable[[list[Unchanged]], None]
) -> Iterator[Encoded]:
    unchanged: list[Unchanged] = []
    for number, one in enumerate(found):
        if isinstance(one, Encoded):
            yield one
            continue
        if isinstance(one, Unchanged):
            unchanged.append(one)
            if len(unchanged) == KEPT_AT_A_TIME:
                keep_rows(unchanged)
                unchanged = []
            continue
        if one.document is not None:
            yield Encoded(one.collection, one.document)
        yield Encoded(CHANGES, changes.kept_change(number, one))
    keep_rows(unchanged)


def _keep_rows(target: Target, entry: Entry, unchanged: list[Unchanged]) -> None:
    """Keep the digests of rows that became the same documents as before, so that the next catch-up recognizes them."""
    for collection, those in itertools.groupby(unchanged, key=lambda one: one.collection):
        ids, digests, rows = zip(*((one.id, one.digest, one.rows) for one in those), strict=True)
        number = f"{entry['_id']}/unchanged/{collection}/{ids[0]}"
        target.insert(digests_collection(entry["_id"]), [chunk(number, collection, list(ids), digests, rows)])


def _verify(
    source: Source, target: Target, ledger: Ledger, entry: Entry, progress: Progress, *, everything: bool
) -> dict[str, Any]:
    """Compare what has changed, or everything, with the source."""
    names = {one["name"]: one["staging"] for one in entry["collections"]}
    only = {name: {*changes.changed_ids(target, entry, name)} for name in names}
    rejects = swap.rejects_collection(entry["_id"])
    with ExitStack() as stack:
        behind = None
        if everything:
            chain = chain_of(ledger, ledger.run(entry["since"]) or {})
            written = stack.enter_context(Written(target, chain, list(names)))
            behind = Behind({name: name for name in names}, written.find)
        keys = keys_of(target, names)
        compared = Compared(keep=kept_in(target, entry["_id"]))
        found = verify(
            source, target, names, rejects, progress,
            render=None, only=only, keys=keys, behind=behind, compared=compared,
        )  # fmt: skip
    if found.differences:
        ledger.note(entry, state=FAILED, ended_at=now(), error=found.differences[0])
        raise Differs(found)
    return {"compared": found.rows, "edited": found.edited}


def _put_in_place(target: Target, ledger: Ledger, entry: Entry, progress: Progress) -> dict[str, Any]:
    progress.say("putting what changed in its place")
    new_names.note_staged(target, entry)
    apply(target, ledger, entry)
    for collection in entry["collections"]:
        changes.forget_search_entries(target, entry, collection["name"])
    made, conflict_count, conflicts = counted(target, entry)
    if made:
        target.patiently(target.refresh_stats)
    return {"changes": made, "conflict_count": conflict_count, "conflicts": conflicts}
