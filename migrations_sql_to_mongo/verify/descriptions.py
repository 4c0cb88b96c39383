"""Rendered descriptions: each is rendered once more."""

import itertools

from migrations_sql_to_mongo.rendering import RENDERED_FIELDS, renderer
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.rules import name_of
from webapp.rendering import RENDERER

DESCRIPTIONS_AT_A_TIME = 400


def compare_descriptions(context: Context) -> None:
    """Render each description once more, and compare the HTML; without it where rendering ran into its bounds."""
    packages = context.target.db[context.names["packages"]]
    found = context.found
    # Of several rows with one id the first is the package; the others were rejected.
    same = itertools.groupby(context.source.by_package("packages"), key=lambda row: row[0])
    rows = (row for row in (next(rows) for _, rows in same) if row[3])
    total = packages.count_documents({"description_renderer": RENDERER})
    done = 0
    with renderer() as render:
        while batch := list(itertools.islice(rows, DESCRIPTIONS_AT_A_TIME)):
            names = {name: row[3] for row in batch if (name := name_of(row[0]))}
            fields = dict.fromkeys(RENDERED_FIELDS, 1)
            stored = {one["_id"]: one for one in packages.find({"_id": {"$in": list(names)}}, fields)}
            same_renderer = {key: one for key, one in stored.items() if one.get("description_renderer") == RENDERER}
            wanted = [key for key, one in same_renderer.items() if "description_problem" not in one]
            found.other_renderer += sum(one.get("description_renderer") != RENDERER for one in stored.values())
            for name, (html, problem) in render((key, context.text(names[key]) or "") for key in wanted):
                is_same = stored[name].get("description_html") == html
                if not is_same and problem is None and len(html) < 10_000_000:
                    found.differs(f"packages {name}: description_html is not what the description renders to")
            done += len(wanted)
            found.rendered = done
            context.progress.update("verifying descriptions", done, total)
