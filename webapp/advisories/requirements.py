"""The advisories about a project and all that it requires here, directly and through others."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from webapp.documents import Package
from webapp.documents.base import Plain
from webapp.documents.hidden import shown
from webapp.documents.known_versions import known_versions, newest_admitted
from webapp.rules import naming
from webapp.rules.requiring import first_admitted, ranges_of
from webapp.serving import affected_releases
from webapp.serving.affected_releases import About

# A tree of more projects than this is cut off.
MOST = 1000


class Requirement(NamedTuple):
    """A project in the tree: who asks for it, in which range, and the newest version that this range admits.

    `version` is None if no version is known.
    """

    name: str
    through: str
    asked: str
    version: str | None


def tree_of(package: Plain) -> list[Requirement]:
    """Return what a package requires, nearest first and each project once, with what its latest releases require.

    `package` has its `normalized_name` and `requires_dist`.
    """
    found: dict[str, Requirement] = {}
    level = [(package["normalized_name"], package.get("requires_dist", []))]
    while level and len(found) < MOST:
        asked: dict[str, tuple[str, str]] = {}
        for through, requirements in level:
            for name, ranges in ranges_of(requirements).items():
                if name not in found and name != package["normalized_name"]:
                    asked.setdefault(name, (through, ",".join(filter(None, ranges))))
        packages = {son["_id"]: son for son in _packages(asked)}
        latest = {name: _text((son.get("latest") or {}).get("version")) for name, son in packages.items()}
        newest = newest_admitted(((name, each[1]) for name, each in asked.items()), latest)
        found |= {name: Requirement(name, *each, newest.get((name, each[1]))) for name, each in asked.items()}
        level = [(name, _texts(son.get("requires_dist"))) for name, son in packages.items()]
    return list(found.values())[:MOST]


def advisories_of(tree: Iterable[Requirement]) -> list[Plain]:
    """Return what is known about the projects of a tree, the most severe first.

    Each is an advisory as `affected_releases.affecting` returns it, with `requirement`, and `is_avoidable`: the newest
    version that the range admits is not affected, but an older one is.
    """
    by_name = {each.name: each for each in tree}
    known: About = affected_releases.about(by_name)
    versions = known_versions({name for name in known if by_name[name].asked})
    found: list[Plain] = []
    for name, advisories in known.items():
        requirement = by_name[name]
        admitted = [each for each in versions.get(name, []) if first_admitted(requirement.asked, [each])]
        if requirement.version:
            admitted.append(requirement.version)
        seen: set[str] = set()
        for version in sorted(set(admitted), key=naming.sort_key, reverse=True):
            for each in affected_releases.affecting(advisories, version):
                if each["id"] not in seen:
                    seen.add(each["id"])
                    avoidable = version != requirement.version
                    found.append(each | {"requirement": requirement._asdict(), "is_avoidable": avoidable})
    return sorted(
        found, key=lambda each: (each["is_avoidable"], affected_releases.rank(each), each["requirement"]["name"])
    )


def _packages(names: Iterable[str]) -> Any:
    fields = {"requires_dist": 1, "latest.version": 1}
    return Package.objects.raw().find({"$and": [{"_id": {"$in": list(names)}}, shown()]}, fields)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
