"""The tree of what needs a project here."""

from typing import Any

from webapp.documents import Package
from webapp.documents.base import Plain
from webapp.documents.hidden import hidden_names
from webapp.rules.naming import normalize_name
from webapp.rules.requiring import asked_of

# A tree has no more nodes.
MAX_NODES = 200
_ORDER = [("newest_release.created_date", -1), ("_id", 1)]


def users_of(normalized_name: str, version: str, depth: int) -> tuple[list[Plain], bool]:
    """Return the projects that require one, each with those that require it as `children`, and whether there are more.

    Requirements of extras are left out. A project stands in the tree once, at its nearest place.
    """
    root: Plain = {"id": normalized_name, "version": version, "children": []}
    seen, level = {normalized_name}, {normalized_name: root}
    for _ in range(depth):
        if not level:
            break
        following: dict[str, Plain] = {}
        left = MAX_NODES - len(seen) + 1
        for number, son in enumerate(_requiring(list(level), seen, left + 1)):
            if number == left:
                return root["children"], True
            parent = next((level[name] for name in son.get("requires") or () if name in level), None)
            if parent is None:
                continue
            node = _node(son, parent)
            parent["children"].append(node)
            seen.add(son["_id"])
            following[son["_id"]] = node
        level = following
    return root["children"], False


def _requiring(names: list[str], seen: set[str], most: int) -> Any:
    fields = {"name": 1, "requires_dist": 1, "requires": 1, "latest.version": 1}
    which: Plain = {"requires": {"$in": names}, "_id": {"$nin": [*seen, *hidden_names()]}}
    return Package.objects.raw().find(which, fields).sort(_ORDER).limit(most)


def _node(son: Plain, parent: Plain) -> Plain:
    texts = [text for text in son.get("requires_dist") or () if isinstance(text, str)]
    latest, name = (son.get("latest") or {}).get("version"), son.get("name")
    asked = asked_of(texts, normalize_name(parent["id"]), parent["version"] or None)
    return {
        "id": son["_id"],
        "name": name if isinstance(name, str) else son["_id"],
        "version": latest if isinstance(latest, str) else "",
        "through": parent["version"],
        "asked": asked,
        "children": [],
    }
