"""Compare two releases of a project for a page."""

from typing import Literal

from webapp.documents import ReleaseFacts
from webapp.documents.base import Plain
from webapp.documents.package_page import release_states
from webapp.documents.plain_fields import PackageFields, ReleaseFields
from webapp.packages import presentation
from webapp.rules import comparing
from webapp.rules.people import people

# Fields that are compared as a whole: their label, and how to read them from what a release states.
_LISTS: dict[str, Literal["provides_extra", "classifiers", "keywords"]] = {
    "Extras": "provides_extra",
    "Classifiers": "classifiers",
    "Keywords": "keywords",
}


def between(package: PackageFields, old: ReleaseFields, new: ReleaseFields) -> Plain:
    """Return how one release differs from another: {unknown, facts, requirements, lists, files, description}.

    `unknown` lists the versions whose metadata is not known; then only files are compared.
    """
    before, after = (_stated(package, release) for release in (old, new))
    files = comparing.files(old, new)
    unknown = [release["version"] for release, stated in ((old, before), (new, after)) if stated is None]
    if before is None or after is None:
        return {"unknown": unknown, "facts": [], "requirements": {}, "lists": [], "description": [], "files": files}
    pairs = [(label, value, _facts(after, new)[label]) for label, value in _facts(before, old).items()]
    lists = [
        {"label": label} | comparing.added_and_removed(before.get(field, []), after.get(field, []))
        for label, field in _LISTS.items()
    ]
    if "entry_points" in before and "entry_points" in after:
        entry_points = comparing.added_and_removed(before["entry_points"], after["entry_points"])
        lists.append({"label": "Entry points"} | entry_points)
    lists.insert(0, {"label": "Links"} | comparing.added_and_removed(_links(before), _links(after)))
    return {
        "unknown": [],
        "facts": [{"label": label, "before": one, "after": other} for label, one, other in pairs if one != other],
        "requirements": comparing.requirements(before.get("requires_dist", []), after.get("requires_dist", [])),
        "lists": [each for each in lists if each["added"] or each["removed"]],
        "description": comparing.description_lines(before.get("description", ""), after.get("description", "")),
        "files": files,
    }


def _stated(package: PackageFields, release: ReleaseFields) -> PackageFields | None:
    """Return what a release states, with its description as text, or None if nothing is known."""
    version, facts = release["version"], None
    if version != package.get("latest", {}).get("version"):
        facts = ReleaseFacts.of(package["normalized_name"], version)
        if facts is None:
            return None
    return release_states(package, release, facts, as_text=True)


def _facts(stated: PackageFields, release: ReleaseFields) -> dict[str, str]:
    return {
        "Summary": stated.get("summary", ""),
        "Requires Python": release.get("requires_python") or stated.get("requires_python") or "",
        "Licence": ", ".join(each["label"] for each in presentation.licenses(stated)),
        "Author": _names(stated.get("author_name"), stated.get("author_email")),
        "Maintainer": _names(stated.get("maintainer_name"), stated.get("maintainer_email")),
    }


def _names(name: str | None, email: str | None) -> str:
    return ", ".join(person.shown for person in people(name, email))


def _links(stated: PackageFields) -> list[str]:
    return [f"{each['label']}: {each['url']}" for each in presentation.links(stated)]
