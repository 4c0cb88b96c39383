"""Rendered descriptions: each is rendered once more."""

import itertools

from migrations_sql_to_mongo.rendering import renderer
from migrations_sql_to_mongo.verify.context import Context
from migrations_sql_to_mongo.verify.rules import name_of
from webapp.rules.descriptions import RENDERER

DESCRIPTIONS_AT_A_TIME = 400


def compare_descriptions(context: Context) -> None:
    """Render each description once more, and compare the HTML."""
    packages = context.target.db[context.names["packages"]]
    found = context.found
    # Of several rows with one id the first is the package; the others were rejected.
    same = itertools.groupby(context.source.by_package("packages"), key=lambda row: row[0])
    rows = (row for row in (next(rows) for _, rows in same) if row[3])
    total = packages.count_documents({"description_renderer": RENDERER})
    done = 0
    with renderer(total) as render:
        while batch := list(itertools.islice(rows, DESCRIPTIONS_AT_A_TIME)):
            names = {name: row[3] for row in batch if (name := name_of(row[0]))}
            fields = {"description_html": 1, "description_renderer": 1, "name": 1}
            stored = {one["_id"]: one for one in packages.find({"_id": {"$in": list(names)}}, fields)}
            wanted = [key for key, one in stored.items() if one.get("description_renderer") == RENDERER]
            found.other_renderer += sum(one.get("description_renderer") != RENDERER for one in stored.values())
            for name, html in render((key, context.text(names[key]) or "") for key in wanted):
                if stored[name].get("description_html") != html and len(html) < 10_000_000:
                    found.differs(f"packages {name}: description_html is not what the description renders to")
            done += len(wanted)
            found.rendered = done
            context.progress.update("verifying descriptions", done, total)
