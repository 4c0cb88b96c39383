"""What is known here about the requirements of some releases."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from packaging.metadata import parse_email

from webapp.documents import Package, ReleaseFacts, UpstreamFile, UpstreamProject
from webapp.documents.base import Plain
from webapp.documents.hidden import shown
from webapp.documents.release_facts import key_of
from webapp.rules.distributions import version_in

HERE, ELSEWHERE, MISSING = "here", "elsewhere", "missing"
# So many of an upstream project's newest files are looked at, and so many of their metadata are read.
FILES_LOOKED_AT, METADATA_READ = 100, 30

Key = tuple[str, str]  # a normalized name, and a version


class Project(NamedTuple):
    """A project that something requires."""

    name: str  # as its authors write it
    place: str  # HERE, ELSEWHERE (in the other index) or MISSING
    latest: str | None = None
    requires: tuple[str, ...] = ()  # of its latest release


def projects(names: Iterable[str]) -> dict[str, Project]:
    """Return what is known about some projects, by their normalized names."""
    wanted = list(names)
    fields = {"name": 1, "latest.version": 1, "requires_dist": 1}
    found = {
        son["_id"]: Project(
            _text(son.get("name")) or son["_id"], HERE, _text((son.get("latest") or {}).get("version")), _texts(son)
        )
        for son in Package.objects.raw().find({"$and": [{"_id": {"$in": wanted}}, shown()]}, fields)
    }
    others = [name for name in wanted if name not in found]
    listed = UpstreamProject.objects.raw().find({"_id": {"$in": others}, "is_absent": {"$ne": True}}, {"_id": 1})
    found |= {son["_id"]: Project(son["_id"], ELSEWHERE) for son in listed}
    return found | {name: Project(name, MISSING) for name in wanted if name not in found}


def requirements(releases: Iterable[Key], known: dict[str, Project]) -> dict[Key, tuple[str, ...]]:
    """Return the requirements of some releases, as far as they are known here."""
    found: dict[Key, tuple[str, ...]] = {}
    older, upstream = [], []
    for name, version in releases:
        project = known[name]
        if project.place == HERE and project.latest == version:
            found[name, version] = project.requires
        elif project.place == HERE:
            older.append((name, version))
        else:
            upstream.append((name, version))
    keys = {key_of(*each): each for each in older}
    stated = ReleaseFacts.objects.raw().find({"_id": {"$in": list(keys)}}, {"requires_dist": 1}) if keys else ()
    found |= {keys[son["_id"]]: _texts(son) for son in stated}
    return found | (_upstream(upstream) if upstream else {})


def _upstream(releases: list[Key]) -> dict[Key, tuple[str, ...]]:
    """Return the requirements of releases of the other index of which a wheel's metadata are kept here."""
    versions: dict[str, set[str]] = {}
    for name, version in releases:
        versions.setdefault(name, set()).add(version)
    fields: Plain = {"versions": 0, "files": {"$slice": -FILES_LOOKED_AT}}
    wheels: dict[str, Key] = {}
    for son in UpstreamProject.objects.raw().find({"_id": {"$in": list(versions)}}, fields):
        for file in son.get("files") or ():
            filename, sha256 = file.get("filename"), file.get("sha256")
            if isinstance(filename, str) and filename.endswith(".whl") and isinstance(sha256, str):
                version = version_in(filename, son["_id"])
                if version in versions[son["_id"]]:
                    wheels[sha256] = (son["_id"], version)
    which: Plain = {"_id": {"$in": list(wheels)}, "metadata": {"$type": "string"}}
    kept = UpstreamFile.objects.raw().find(which, {"metadata": 1}).limit(METADATA_READ)
    return {wheels[son["_id"]]: tuple(parse_email(son["metadata"])[0].get("requires_dist", ())) for son in kept}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(son: Plain) -> tuple[str, ...]:
    found = son.get("requires_dist")
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()
