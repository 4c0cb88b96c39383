"""Compare two releases of a project for a page."""

from typing import Literal

from webapp.documents.base import Plain
from webapp.documents.package_page import ReadReleases
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


def between(read: ReadReleases, old: ReleaseFields, new: ReleaseFields) -> Plain:
    """Return how one release differs from another: {unknown, facts, requirements, lists, files, description}.

    `unknown` lists the versions whose metadata is not known; then only files are compared.
    """
    files = comparing.files(old, new)
    unknown = [release["version"] for release in (old, new) if not read.is_known(release)]
    if unknown:
        return {"unknown": unknown, "facts": [], "requirements": {}, "lists": [], "description": [], "files": files}
    before, after = (read.stated_by(release, as_text=True) for release in (old, new))
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
