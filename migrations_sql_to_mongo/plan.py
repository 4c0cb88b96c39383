"""`plan`: read everything, write nothing, and show what `run` will do."""

import time
from collections.abc import Callable
from typing import Any

import bson

from migrations_sql_to_mongo import swap
from migrations_sql_to_mongo.copying import COLLECTIONS, REJECTS, Copy
from migrations_sql_to_mongo.ledger import Ledger
from migrations_sql_to_mongo.progress import Progress
from migrations_sql_to_mongo.rendering import rendered_fields
from migrations_sql_to_mongo.source import Source
from migrations_sql_to_mongo.tally import Tally
from migrations_sql_to_mongo.target import Target
from migrations_sql_to_mongo.understood import understood

# Relative to the time for reading and encoding. Source: benchmarks/migration.py.
COPY_FACTOR, VERIFY_FACTOR = 1.5, 1.5
TOLD_EVERY = 1000  # documents


def plan(
    source: Source,
    target: Target,
    ledger: Ledger,
    progress: Progress,
    on_reject: Callable[[dict[str, Any]], None],
    processors: int,
) -> dict[str, Any]:
    """Return what `run` would find. It reads the same stream of documents, and only leaves out the writing."""
    tally = Tally()
    samples: list[str] = []
    started = time.monotonic()
    for number, (collection, encoded, _) in enumerate(Copy(source, tally, on_reject=on_reject).documents(), start=1):
        if collection == REJECTS:
            continue
        if collection == "packages" and _is_power_of_two(tally.descriptions) and len(samples) < tally.descriptions:
            samples.append(bson.decode(encoded).get("description") or "")
        if number % TOLD_EVERY == 0:
            account = tally.table(collection)
            progress.update(f"reading {collection}", account.read, account.found)
    seconds = time.monotonic() - started
    progress.finish()
    tally.check()
    found = swap.standing(target, [name for name in COLLECTIONS if name in source.tables])
    return {
        "tally": tally.as_dict(),
        **({"understood": understood(source)} if source.layout.sections else {}),
        "in_the_way": swap.foreign(target, ledger, found),
        "replaced": {name: fingerprint["documents"] for name, fingerprint in found.items()},
        "estimate_s": {
            "copying": round(seconds * COPY_FACTOR, 1),
            "rendering": round(_rendering_s(samples) * tally.descriptions / processors, 1),
            "verifying": round(seconds * VERIFY_FACTOR, 1),
        },
    }


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def _rendering_s(samples: list[str]) -> float:
    """Return how long rendering a description takes, measured with the 1st, 2nd, 4th, 8th ... package."""
    started = time.monotonic()
    for description in samples:
        rendered_fields(description)
    return (time.monotonic() - started) / max(1, len(samples))
