"""Groups of links, classifiers and files on a project page."""

from collections.abc import Callable
from itertools import zip_longest

from packaging.utils import NormalizedName

from webapp.documents.base import Plain
from webapp.documents.plain_fields import PackageFields, ReleaseFields
from webapp.documents.release import is_own
from webapp.rules import naming
from webapp.rules.requiring import asked_of, by_extra
from webapp.serving.filters import compare_link, filesize, project_link, safe_link

# A project with more requirements has been generated; its metadata has them all.
REQUIREMENTS_SHOWN = 300


def links(package: PackageFields) -> list[Plain]:
    """Return the project's links, each address once: [{label: "Homepage", url: "https://..."}]."""
    given = [
        ("Homepage", package.get("home_page")),
        *package.get("project_urls", {}).items(),
        ("Documentation", package.get("docs_url")),
        ("Bug tracker", package.get("bugtrack_url")),
        ("Download", package.get("download_url")),
    ]
    found: dict[str, Plain] = {}
    for label, url in given:
        if safe := safe_link(url):
            found.setdefault(safe.rstrip("/"), {"label": label.strip() or "Link", "url": safe})
    return list(found.values())


def licenses(package: PackageFields) -> list[Plain]:
    """Return the licences of a release: [{label: "MIT", license_id: "MIT"}], or with a `classifier` instead of the id.

    An SPDX expression is enough (PEP 639). Without one, return the name that the author wrote, and each classifier.
    """
    expression, classifiers = package.get("license_expression"), package.get("classifiers", [])
    if expression:
        license_id = naming.license_id(None, expression, [])
        return [{"label": license_id, "license_id": license_id}] if license_id else []
    named = naming.license_id(package.get("license"), None, [])
    found = [{"label": named, "license_id": named}] if named else []
    for each in classifiers:
        label = each.rpartition(" :: ")[2]
        is_license = each.startswith("License :: ") and label not in ("License", "OSI Approved")
        if is_license and naming.license_id(label, None, []) not in [one["label"] for one in found]:
            found.append({"label": naming.license_id(label, None, []) or label, "classifier": each})
    return found


def used_by(users: list[PackageFields], normalized_name: NormalizedName, version: str | None) -> list[Plain]:
    """Return the projects that require one, each with `asked`: see `requiring.asked_of`."""
    return [
        {key: value for key, value in user.items() if key != "requires_dist"}
        | {"asked": asked_of(user.get("requires_dist", []), normalized_name, version)}
        for user in users
    ]


def requirements(package: PackageFields, is_here: Callable[[list[str]], set[str]]) -> list[Plain]:
    """Return what a project requires, then what each of its extras does: [{extra: "", required: [...]}].

    Each requirement is as in `requiring.by_extra`, with the `address` of the project if `is_here`, which is asked once,
    returns its name. Of very many, the first are shown.
    """
    stated = package.get("requires_dist", [])
    groups = by_extra(stated[:REQUIREMENTS_SHOWN])
    for extra in package.get("provides_extra", []):
        groups.setdefault(extra, [])
    names = {each["normalized_name"] for group in groups.values() for each in group} - {""}
    here = is_here(sorted(names)) if names else set()
    for each in (each for group in groups.values() for each in group):
        each["address"] = project_link(each["normalized_name"]) if each["normalized_name"] in here else ""
    return [{"extra": extra, "required": group} for extra, group in sorted(groups.items())]


def history(package: PackageFields, version: str) -> list[Plain]:
    """Return the rows of a release history, each with the version `before` it, if that is on the same page.

    A row has its two addresses, because a template takes longer than all else here for fifty rows.
    """
    name = package["normalized_name"]
    listed = [each for each in package.get("releases", []) if each.get("version")]
    return [
        {
            "version": each["version"],
            "address": project_link(name, each["version"]),
            "changes": compare_link(name, before["version"], each["version"]) if before else "",
            "is_here": each["version"] == version,
            "is_prerelease": each.get("is_prerelease", False),
            "yanked": each.get("yanked", False),
            "yanked_reason": each.get("yanked_reason"),
            "files": _file_count(each),
            "date": each.get("created_date"),
        }
        for each, before in zip_longest(listed, listed[1:])
    ]


def _file_count(release: ReleaseFields) -> str:
    count, size = release.get("file_count", 0), filesize(release.get("size") or None)
    return f"{count:,} file{'' if count == 1 else 's'}{', ' if size else ''}{size}"


def compared(package: PackageFields, release: ReleaseFields | None) -> list[str]:
    """Return the two versions whose comparison shows what changed in a release, or none.

    It is compared with the release before it, if the history on the page shows that; otherwise with the latest.
    """
    if release is None:
        return []
    shown = [each["version"] for each in package.get("releases", []) if each.get("version")]
    version, latest = release["version"], package.get("latest", {}).get("version")
    if version in shown[:-1]:
        return [shown[shown.index(version) + 1], version]
    return [version, latest] if latest and latest != version else []


def classifier_groups(classifiers: list[str]) -> list[Plain]:
    """Return the classifiers by their first part: [{name: "Topic", classifiers: [{label, classifier}]}].

    Those with a single part are listed under "Other".
    """
    groups: dict[str, list[Plain]] = {}
    for classifier in filter(str.strip, classifiers):
        name, _, label = classifier.partition(" :: ")
        if not label:
            name, label = "Other", name
        groups.setdefault(name, []).append({"label": label, "classifier": classifier})
    return [{"name": name, "classifiers": found} for name, found in groups.items()]


def file_groups(release: ReleaseFields) -> list[Plain]:
    """Return the release's files, sdists and wheels apart: [{title, files, filters}].

    `is_kept` says whether a file is kept here. A wheel has its `interpreters`, `abis` and `platforms`; `filters` lists
    those that distinguish files of the group.
    """
    files = release.get("files", [])
    kinds = {"sdist": "Source distributions", "bdist_wheel": "Built distributions (wheels)"}
    groups: dict[str, list[Plain]] = {title: [] for title in (*kinds.values(), "Other files")}
    for file in files:
        if "filename" in file:
            shown = file | wheel_tags(file["filename"]) | {"is_kept": is_own(file.get("url"))}
            groups[kinds.get(file.get("packagetype", ""), "Other files")].append(shown)
    return [{"title": title, "files": found, "filters": _filters(found)} for title, found in groups.items() if found]


def wheel_tags(filename: str) -> Plain:
    """Return where a wheel runs, according to its name (PEP 425); nothing for any other file.

    `packaging` creates every combination of the tags, of which a hostile name has a billion.
    """
    parts = filename.lower().removesuffix(".whl").split("-")
    if not filename.lower().endswith(".whl") or len(parts) not in (5, 6):
        return {}
    kinds = ("interpreters", "abis", "platforms")
    return {kind: sorted(set(tags.split("."))) for kind, tags in zip(kinds, parts[-3:], strict=True)}


def _filters(files: list[Plain]) -> list[Plain]:
    labels = (("interpreters", "Interpreter"), ("abis", "ABI"), ("platforms", "Platform"))
    found = [
        {"key": key, "label": label, "values": sorted({value for file in files for value in file.get(key, [])})}
        for key, label in labels
    ]
    return [choice for choice in found if len(choice["values"]) > 1]
