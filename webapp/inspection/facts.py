"""Rules for what releases state: collections `release_facts` and `release_descriptions`.

A process can be killed between two writes: facts are written before their package is stored, and descriptions before
the facts. So unused documents are reported only after a while.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice
from typing import Any

from packaging.utils import NormalizedName

from webapp.changes.rendering import render_into
from webapp.changes.stating import (
    best_statement,
    keep_better_facts,
    keep_description,
    show_again,
    with_rendered,
)
from webapp.documents import Package, Release, ReleaseDescription, ReleaseFacts, ReleaseFile, StoredFile
from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.package import ConcurrentChange
from webapp.documents.release import is_own
from webapp.documents.release_facts import MOVED, SDIST, STATED, WHEEL, description_id_of, key_of, within
from webapp.documents.stored_file import STORED
from webapp.inspection.findings import Finding
from webapp.rendering import RenderersBusy

# A change that takes longer than this was killed.
ARRIVING = timedelta(hours=1)
# How many projects are checked together.
_TOGETHER = 200


def broken_facts() -> Iterator[Finding]:
    """Yield the findings about facts and descriptions, and missing facts."""
    facts = ReleaseFacts.objects.raw().find({"_id": {"$gte": ""}}).sort("_id", 1)
    projects = groupby((each for each in facts if "/" in each["_id"]), key=_project_of)
    while together := [(name, list(found)) for name, found in islice(projects, _TOGETHER)]:
        packages = _packages([name for name, _ in together])
        for name, found in together:
            yield from _of_project(name, packages.get(name), found)
    yield from _needless_descriptions()
    yield from _missing_facts()


def _project_of(son: Plain) -> str:
    return str(son["_id"].partition("/")[0])


def _packages(names: list[str]) -> dict[str, Plain]:
    """Return what facts are compared with: packages with the names of their files, by normalized name."""
    wanted = [*STATED, "latest", "updated_date", "description_id", "releases.version", "releases.files.filename"]
    found = Package.objects.raw().find({"_id": {"$in": names}}, dict.fromkeys(wanted, 1))
    return {son["_id"]: as_declared(Package, son) for son in found}


def _of_project(name: str, package: Plain | None, facts: list[Plain]) -> Iterator[Finding]:
    releases = {each["version"]: each for each in (package or {}).get("releases", []) if "version" in each}
    kept = _described(name, {son["description_id"] for son in facts if "description_id" in son})
    latest = (package or {}).get("latest", {}).get("version")
    for son in facts:
        key, version, plain = son["_id"], son["_id"].partition("/")[2], as_declared(ReleaseFacts, son)
        if version not in releases:
            if _has_been_there(plain.get("stated_at")):
                what = "there is no such release"
                yield Finding("release_facts", key, "release-gone", what, partial(_remove_facts, name, version))
            continue
        filenames = [file.get("filename") for file in releases[version].get("files", [])]
        if (filename := plain.get("filename")) and filename not in filenames:
            if _has_been_there(plain.get("stated_at")):
                what = f"they are those of {filename}, which the release does not list"
                yield Finding("release_facts", key, "file-gone", what, *_stating_again(name, version))
            continue
        if package and version == latest:
            # Later manual edits of the project are intended.
            if _is_newer(plain, package) and (different := _differing(package, plain)):
                what = f"the project says otherwise: {', '.join(different)}"
                yield Finding("release_facts", key, "not-shown", what, partial(_show_again, name))
        elif (description_id := plain.get("description_id")) and description_id not in kept:
            if package and description_id == package.get("description_id"):
                continue
            what = f"its description {description_id} is missing"
            yield Finding("release_facts", key, "description-missing", what, *_stating_again(name, version))


def _is_newer(facts: Plain, package: Plain) -> bool:
    stated_at, stored_at = facts.get("stated_at"), package.get("updated_date")
    return bool(stated_at and stored_at and stated_at > stored_at and _has_been_there(stated_at))


def _differing(package: Plain, facts: Plain) -> list[str]:
    names = (*STATED, "description_id")
    return [name for name in names if (package.get(name) or None) != (facts.get(name) or None)]


def _described(name: str, description_ids: set[Any]) -> set[str]:
    keys = [key_of(name, each) for each in description_ids if isinstance(each, str)]
    found = ReleaseDescription.objects.raw().find({"_id": {"$in": keys}}, {"_id": 1})
    return {son["_id"].partition("/")[2] for son in found}


def _has_been_there(since: datetime | None) -> bool:
    return since is None or utc_now() - since > ARRIVING


def _needless_descriptions() -> Iterator[Finding]:
    """Yield descriptions that no release has, and those that differ from the text that their `_id` names."""
    facts = ReleaseFacts.objects.raw()
    for son in ReleaseDescription.objects.raw().find({"_id": {"$gte": ""}}, {"html": 0}).sort("_id", 1):
        plain, (name, _, description_id) = as_declared(ReleaseDescription, son), son["_id"].partition("/")
        if not facts.find_one(within(name) | {"description_id": description_id}, {"_id": 1}):
            if _has_been_there(plain.get("kept_at")):
                what = "no release has it"
                yield Finding("release_descriptions", son["_id"], "unused", what, partial(_remove_unused, son["_id"]))
        elif description_id_of(plain.get("text"), plain.get("content_type")) != description_id:
            what = "its text is not the one that its _id is the digest of"
            yield Finding("release_descriptions", son["_id"], "digest", what, partial(_give_its_id, son["_id"]))


def _missing_facts() -> Iterator[Finding]:
    """Yield releases with uploaded files whose facts are missing."""
    with_metadata = {"state": STORED, "metadata": {"$type": "string"}}
    release = {"$concat": ["$package", "/", "$version"]}
    known: Plain = {
        "from": ReleaseFacts._get_collection_name(), "localField": "_id", "foreignField": "_id", "as": "facts",
    }  # fmt: skip
    stated_by_no_file = {"facts.source": {"$nin": [SDIST, WHEEL]}}
    pipeline: list[Plain] = [
        {"$match": with_metadata},
        {"$group": {"_id": release, "package": {"$first": "$package"}, "version": {"$first": "$version"}}},
        {"$lookup": known},
        {"$match": stated_by_no_file},
        {"$sort": {"_id": 1}},
    ]
    for son in StoredFile.objects.raw().aggregate(pipeline):
        # The version may be spelled differently in the release and in its files.
        package = Package.to_change(NormalizedName(str(son["package"])))
        found = package.release_equal_to(str(son["version"])) if package else None
        if package is None or found is None or not any(is_own(file.url) for file in found.files):
            continue
        if (ReleaseFacts.of(package.pk, found.version) or {}).get("source") not in (SDIST, WHEEL):
            what = f"what the files of release {found.version} state is not kept"
            yield Finding("packages", package.pk, "facts-missing", what, *_stating_again(package.pk, found.version))


def _remove_facts(name: str, version: str) -> bool:
    """Delete the facts of a deleted release; False if it exists again."""
    package = Package.to_change(NormalizedName(name))
    if package and package.releases_of(version):
        return False
    ReleaseFacts.forget(name, [version], utc_now() - ARRIVING)
    return ReleaseFacts.of(name, version) is None


def _remove_unused(key: str) -> bool:
    name, _, description_id = key.partition("/")
    if ReleaseFacts.objects.raw().find_one(within(name) | {"description_id": description_id}, {"_id": 1}):
        return False
    return bool(ReleaseDescription.objects.raw().delete_one({"_id": key}).deleted_count)


def _stating_again(name: str, version: str) -> tuple[Callable[[], bool], Callable[[], bool]]:
    """Return how to let the files of a release state its facts again, and whether that would succeed."""
    return partial(_state_again, name, version), partial(_can_state_again, name, version)


def _can_state_again(name: str, version: str) -> bool:
    def attempt() -> bool:
        package = Package.to_change(NormalizedName(name))
        releases = package.releases_of(version) if package else []
        if any(best_statement(name, release) for release in releases):
            return True
        facts = ReleaseFacts.of(name, version) or {}
        return "filename" in facts and facts["filename"] not in [file.filename for file in _files(releases)]

    return _done(attempt)


def _state_again(name: str, version: str) -> bool:
    """Let the files of a release state its facts; without files, delete those of a deleted file."""

    def attempt() -> bool:
        package = Package.to_change(NormalizedName(name))
        if package is None:
            return False
        releases = package.releases_of(version)
        statement = next(filter(None, (best_statement(name, release) for release in releases)), None)
        if statement is None:
            facts = ReleaseFacts.of(name, version) or {}
            if "filename" not in facts or facts["filename"] in [file.filename for file in _files(releases)]:
                return False
            ReleaseFacts.forget(name, [version], utc_now() - ARRIVING)
            return True
        if statement.said.description:
            keep_description(name, statement.said)
        gone = {"_id": key_of(name, version), "filename": {"$nin": [file.filename for file in _files(releases)]}}
        ReleaseFacts.objects.raw().update_one(gone, {"$set": {"source": MOVED}})
        keep_better_facts(package, version, statement)
        return True

    return _done(attempt) and _show_again(name)


def _show_again(name: str) -> bool:
    """Make a project show what its latest release states; False if somebody is changing it."""

    def attempt() -> bool:
        package = Package.to_change(NormalizedName(name))
        if package is None:
            return False
        show_again(package, package.latest.version if package.latest else None)
        return True

    return _done(attempt)


def _files(releases: list[Release]) -> list[ReleaseFile]:
    return [file for release in releases for file in release.files]


def _done(attempt: Callable[[], bool]) -> bool:
    try:
        return with_rendered(attempt)
    except (ConcurrentChange, RenderersBusy):
        return False


def _give_its_id(key: str) -> bool:
    """Store a manually edited description under its own id, and make its releases refer to that."""
    descriptions = ReleaseDescription.objects.raw()
    son = descriptions.find_one({"_id": key})
    plain = as_declared(ReleaseDescription, son or {})
    name, _, before = key.partition("/")
    after = description_id_of(plain.get("text"), plain.get("content_type"))
    facts = ReleaseFacts.objects.raw()
    which = within(name) | {"description_id": before}
    if after is None:
        facts.update_many(which, {"$unset": {"description_id": ""}})
    else:
        edited = Package(description=plain["text"], description_content_type=plain.get("content_type"))
        render_into(edited)
        keep_description(name, edited)
        facts.update_many(which, {"$set": {"description_id": after}})
    return bool(descriptions.delete_one({"_id": key}).deleted_count)
