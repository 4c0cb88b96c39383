"""Rendered descriptions: a sample is rendered once more, or all; digests tell whether the others have changed."""

import itertools
from collections.abc import Callable, Iterator

from migrations_sql_to_mongo.digests import RENDERED_FIELDS, digest_of_rendering
from migrations_sql_to_mongo.rendering import READ, READ_CHARACTERS, renderer
from migrations_sql_to_mongo.rows import Row
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.rules import name_of
from webapp.rendering import RENDERER

RENDERS = ("all", "sample", "none")
# A sample is the first descriptions, and one of so many others.
FIRST, ONE_IN = 50, 50


def compare_descriptions(context: Context, render_which: str, digest: Callable[[str], bytes | None]) -> None:
    """Compare the HTML of each description; without it where rendering ran into its bounds.

    `digest` is that of what the move rendered, None if it kept none. What has another one, or none, is rendered once
    more, whatever the sample is.
    """
    packages = context.target.db[context.names["packages"]]
    found = context.found
    # Of several rows with one id the first is the package; the others were rejected.
    same = itertools.groupby(context.source.by_package("packages"), key=lambda row: row[0])
    rows = (row for row in (next(rows) for _, rows in same) if row[3])
    total = packages.count_documents({"description_renderer": RENDERER})
    done = seen = 0
    with renderer() as render:
        for batch in _batches(rows):
            names = {name: row[3] for row in batch if (name := name_of(row[0]))}
            fields = dict.fromkeys(RENDERED_FIELDS, 1)
            stored = {one["_id"]: one for one in packages.find({"_id": {"$in": list(names)}}, fields)}
            same_renderer = {key: one for key, one in stored.items() if one.get("description_renderer") == RENDERER}
            whole = [key for key, one in same_renderer.items() if "description_problem" not in one]
            wanted = []
            for key in whole:
                seen += 1
                is_chosen = render_which == "all" or (render_which == "sample" and (seen <= FIRST or not seen % ONE_IN))
                if is_chosen or digest(key) != digest_of_rendering(context.text(names[key]) or "", stored[key]):
                    wanted.append(key)
            found.other_renderer += sum(one.get("description_renderer") != RENDERER for one in stored.values())
            for name, (html, problem) in render((key, context.text(names[key]) or "") for key in wanted):
                is_same = stored[name].get("description_html") == html
                if not is_same and problem is None and len(html) < 10_000_000:
                    found.differs(f"packages {name}: description_html is not what the description renders to")
            done += len(whole)
            found.rendered += len(wanted)
            context.progress.update("verifying descriptions", done, total)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    held = 0
    for row in rows:
        batch.append(row)
        held += len(row[3]) if isinstance(row[3], str | bytes) else 0
        if len(batch) >= READ or held > READ_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
