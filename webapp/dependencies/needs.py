"""The tree of what a release needs, as far as it is known here.

This is no resolver: each requirement leads to the newest version that its own range admits.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from webapp.dependencies.knowing import Project, projects, requirements
from webapp.documents.base import Plain
from webapp.documents.known_versions import newest_admitted
from webapp.rules.environments import Environment, Needed, applies, read
from webapp.serving import affected_releases

# A tree has no more nodes, and no more requirements are read for it.
MAX_NODES, MAX_READ = 400, 5000

CYCLE, ABOVE = "cycle", "above"

Expanded = tuple[str, str | None, frozenset[str]]


class Choice(NamedTuple):
    """What a reader chose."""

    environment: Environment
    extras: frozenset[str]
    depth: int


class Tree(NamedTuple):
    """What a release needs: nodes with `children`, and whether some were left out."""

    children: list[Plain]
    not_needed: list[str]  # requirements of the release itself that do not apply
    unreadable: list[str]
    is_cut: bool


class _Growing:
    """A tree that grows by one level at a time, each with a few questions to the database."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.nodes = 0
        self.read = 0
        self.is_cut = False
        self.unreadable: list[str] = []
        self.expanded: set[Expanded] = set()

    def applying(self, texts: Iterable[str], extras: frozenset[str]) -> Iterator[Needed]:
        """Yield the requirements that apply."""
        for text in texts:
            self.read += 1
            if self.read > MAX_READ:
                self.is_cut = True
                return
            needed = read(text)
            if needed is None:
                self.unreadable.append(text[:200])
            elif applies(needed, self.choice.environment, extras):
                yield needed

    def grow(self, level: list[Plain]) -> list[Plain]:
        """Give each node of a level its children, and return those that have not been seen before."""
        added: list[tuple[Plain, Plain, Needed]] = []
        for parent in level:
            for needed in self.applying(parent.pop("requires"), parent["extras"]):
                if self.nodes == MAX_NODES:
                    self.is_cut = True
                    break
                self.nodes += 1
                child = _node(needed, parent)
                parent["children"].append(child)
                added.append((parent, child, needed))
        known = projects({needed.name for _, _, needed in added})
        self._choose_versions(added, known)
        return self._unseen([child for _, child, _ in added], known)

    def _choose_versions(self, added: list[tuple[Plain, Plain, Needed]], known: dict[str, Project]) -> None:
        asked = {(needed.name, needed.asked) for _, _, needed in added}
        newest = newest_admitted(asked, {name: project.latest for name, project in known.items()})
        for _, child, needed in added:
            project = known[needed.name]
            child |= {"name": project.name, "place": project.place, "version": newest.get((needed.name, needed.asked))}

    def _unseen(self, children: list[Plain], known: dict[str, Project]) -> list[Plain]:
        keys = {(child["id"], child["version"]) for child in children if child["version"]}
        required = requirements(keys, known)
        unseen = []
        for child in children:
            key = (child["id"], child["version"], child["extras"])
            if child["id"] in child["path"]:
                child["seen"] = CYCLE
            elif key in self.expanded:
                child["seen"] = ABOVE
            else:
                self.expanded.add(key)
                found = required.get((child["id"], child["version"] or ""))
                child["is_known"] = found is not None
                child["requires"] = found or ()
                unseen.append(child)
        return unseen


def tree_of(normalized_name: str, version: str, texts: list[str], choice: Choice) -> Tree:
    """Return the tree of a release with these requirements."""
    growing = _Growing(choice)
    root: Plain = {"id": normalized_name, "extras": choice.extras, "path": (), "children": [], "requires": texts}
    growing.expanded.add((normalized_name, version, choice.extras))
    level = [root]
    for _ in range(choice.depth):
        level = growing.grow(level)
    for node in level:
        node["has_more"] = any(growing.applying(node.pop("requires"), node["extras"]))
    needed = [(text, read(text)) for text in texts[:MAX_READ]]
    left_out = [text for text, each in needed if each and not applies(each, choice.environment, choice.extras)]
    _finish(root["children"])
    return Tree(root["children"], left_out, growing.unreadable, growing.is_cut)


def _node(needed: Needed, parent: Plain) -> Plain:
    return {
        "id": needed.name,
        "asked": needed.asked,
        "condition": needed.condition,
        "extras": needed.extras,
        "path": (*parent["path"], parent["id"]),
        "children": [],
        "seen": "",
        "is_known": True,
        "has_more": False,
    }


def _finish(children: list[Plain]) -> None:
    """Mark what advisories affect, and leave only what pages show."""
    nodes = list(_all(children))
    about = affected_releases.about({node["id"] for node in nodes})
    for node in nodes:
        node["advised"] = affected_releases.mark(about.get(node["id"], []), node["version"])
        node["extras"] = sorted(node["extras"])
        del node["path"]
        node.pop("requires", None)


def _all(children: list[Plain]) -> Iterator[Plain]:
    for child in children:
        yield child
        yield from _all(child["children"])
