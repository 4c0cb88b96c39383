"""Read a package for its pages: the release shown, and what it states."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from packaging.utils import NormalizedName

from webapp.documents.base import Plain, as_declared, decoded
from webapp.documents.hidden import shown
from webapp.documents.package import Package
from webapp.documents.plain_fields import FactsFields, PackageFields, ReleaseFields
from webapp.documents.release import Release
from webapp.documents.release_facts import STATED, ReleaseDescription, ReleaseFacts, key_of
from webapp.rules import naming

# The largest number that `$slice` takes.
MAX_INT32 = 2**31 - 1


class PackagePage(NamedTuple):
    """A package and the release that its page shows, if any."""

    package: PackageFields  # with a part of its releases, without their files
    release: ReleaseFields | None  # with its files


class ReadReleases(NamedTuple):
    """A package and some of its releases, with what these state. All of it was read in one trip to the database."""

    package: PackageFields  # without its releases
    releases: list[ReleaseFields]
    facts: dict[str, FactsFields]  # by the version
    texts: dict[str, Plain]  # by their `description_id`: descriptions that differ from the package's

    @classmethod
    def from_bson(cls, raw: bytes) -> "ReadReleases":
        """Return what `raw_releases` has read."""
        return cls.from_son(decoded(raw))

    @classmethod
    def from_son(cls, son: Plain) -> "ReadReleases":
        """Return what the stages of `_with_releases` and `_with_facts` have read."""
        skipped = len(son["_id"]) + 1
        facts = (as_declared(ReleaseFacts, each) for each in son.get("facts", []))
        texts = (as_declared(ReleaseDescription, each) for each in son.get("texts", []))
        shown = (as_declared(Release, each) for each in son.get("shown", []))
        return cls(
            cast("PackageFields", as_declared(Package, {key: son[key] for key in son if key != "releases"})),
            [cast("ReleaseFields", each) for each in shown if "version" in each],
            {each["key"][skipped:]: cast("FactsFields", each) for each in facts},
            {each["key"][skipped:]: each for each in texts},
        )

    def release(self, version: str) -> ReleaseFields | None:
        """Return the release with this version, in any spelling; see `chosen_of`."""
        return chosen_of(self.releases, version)

    def is_known(self, release: ReleaseFields) -> bool:
        """Tell whether it is known what a release states. The package has the metadata of its latest release."""
        return release["version"] in (self.package.get("latest", {}).get("version"), *self.facts)

    def stated_by(self, release: ReleaseFields | None, *, as_text: bool = False) -> PackageFields:
        """Return the package with the metadata that one of its releases states, without fields that are unknown.

        `as_text` asks for the description's text instead of its HTML.
        """
        package, latest = self.package, self.package.get("latest", {}).get("version")
        if release is None or latest is None or release["version"] == latest:
            return package
        facts = self.facts.get(release["version"]) or FactsFields()
        shown: Plain = {name: value for name, value in package.items() if name not in _STATED}
        shown |= {name: value for name, value in facts.items() if name in STATED}
        classifiers = facts.get("classifiers", [])
        license_id = naming.license_id(facts.get("license"), facts.get("license_expression"), classifiers)
        shown["license_id"] = license_id or ""
        if (description_id := facts.get("description_id")) is not None:
            field = "description" if as_text else "description_html"
            if description_id == package.get("description_id"):
                shown[field] = package.get(field, "")
            else:
                shown[field] = self.texts.get(description_id, {}).get("text" if as_text else "html", "")
        return cast("PackageFields", shown)


def package_page(normalized_name: NormalizedName, version: str | None, *, first: int, count: int) -> PackagePage | None:
    """Return what a project page shows, or None if there is no such package.

    `version` is the release to show, in any spelling (PEP 440), or None for the latest. The package has `count`
    releases of its history from `first` on, without their files; the others hardly affect the cost.
    """
    stages = [
        _named(normalized_name),
        _with_releases(normalized_name, [version], {"releases": {"$slice": [_RELEASES, min(first, MAX_INT32), count]}}),
        {"$project": {"description": 0, "requires": 0, "invitations": 0, "publishers": 0, "releases.files": 0}},
        # A latest release needs no facts: its package has them.
        *([] if version is None else _with_facts(without="text")),
    ]
    son = next(iter(Package.objects.raw().aggregate(stages)), None)
    if son is None:
        return None
    read = ReadReleases.from_son(son)
    release = next(iter(read.releases), None) if version is None else read.release(version)
    history = as_declared(Package, {"releases": son.get("releases")})
    return PackagePage(read.stated_by(release) | cast("PackageFields", history), release)


def raw_releases(normalized_name: NormalizedName, versions: Sequence[str]) -> bytes | None:
    """Return a package with these of its releases and what they state, or None; `ReadReleases.from_bson` decodes it.

    The versions may be in any spelling (PEP 440), but only those in the release's own spelling get their facts.
    """
    return Package.objects.raw_result(
        [
            _named(normalized_name),
            _with_releases(normalized_name, versions),
            {"$project": {"releases": 0, "description_html": 0, "requires": 0, "invitations": 0, "publishers": 0}},
            *_with_facts(without="html"),
        ]
    )


def _named(normalized_name: NormalizedName) -> Plain:
    return {"$match": {"$and": [{"_id": normalized_name}, shown()]}}


# A package's releases, if they are a list.
_RELEASES = {"$cond": [{"$isArray": "$releases"}, "$releases", []]}


def _with_releases(normalized_name: NormalizedName, versions: Sequence[str | None], also: Plain | None = None) -> Plain:
    """Return the stage that adds the releases of these versions as `shown`; None stands for the latest one."""
    wanted = [_IS_LATEST if version is None else _is_version(version) for version in versions]
    condition = wanted[0] if len(wanted) == 1 else {"$or": wanted}
    return {
        "$addFields": {
            "shown": {"$filter": {"input": _RELEASES, "as": "release", "cond": condition}},
            "fact_keys": {"$literal": [key_of(normalized_name, each) for each in versions if each is not None]},
            **(also or {}),
        }
    }


def _with_facts(*, without: str) -> list[Plain]:
    """Return the stages that add what the releases state, as `facts`, and their descriptions, as `texts`.

    Each costs a tenth of a query of its own. `without` is a field of the descriptions that nobody needs.
    """
    description_ids: Plain = {"$ifNull": ["$facts.description_id", []]}
    is_text = {"$and": [{"$gte": ["$$id", ""]}, {"$lt": ["$$id", {"$literal": {}}]}]}
    text_key = {"$cond": [is_text, {"$concat": ["$_id", "/", "$$id"]}, None]}
    return [
        {"$lookup": {"from": "release_facts", "localField": "fact_keys", "foreignField": "_id", "as": "facts"}},
        {"$addFields": {"text_keys": {"$map": {"input": description_ids, "as": "id", "in": text_key}}}},
        {"$lookup": {"from": "release_descriptions", "localField": "text_keys", "foreignField": "_id", "as": "texts"}},
        {"$project": {f"texts.{without}": 0}},
    ]


_IS_LATEST = {"$eq": ["$$release.version", "$latest.version"]}


def _is_version(version: str) -> Plain:
    """Return the expression that matches a release of this version, in any spelling (PEP 440)."""
    return {
        "$or": [
            # A reader's version is literal text, even if it starts with "$".
            {"$eq": ["$$release.version", {"$literal": version}]},
            {"$eq": ["$$release.sort_key", naming.sort_key(version)]},
        ]
    }


def chosen_of(releases: Iterable[ReleaseFields], version: str) -> ReleaseFields | None:
    """Return the release with this version: written exactly so or, failing that, equal according to PEP 440."""
    candidates = [release for release in releases if release.get("version")]
    exact = [release for release in candidates if release["version"] == version]
    key = naming.sort_key(version)
    return next(iter(exact or [release for release in candidates if release.get("sort_key") == key]), None)


# The fields in which a package describes its latest release.
_STATED = frozenset({*STATED, "description", "description_html", "description_renderer", "license_id", "requires"})
