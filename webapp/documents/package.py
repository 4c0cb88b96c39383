"""A project of the index, with its releases, files and maintainers embedded: collection `packages`."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple, Self

import bson
import mongoengine as me
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import Plain, ReadingQuerySet, as_declared, utc_now
from webapp.documents.journal import JournalFields
from webapp.documents.partly_read import Outline, PartlyRead, Update
from webapp.documents.project_status import QUARANTINED, ProjectStatus
from webapp.documents.release_facts import (
    STATED,
    ReleaseDescription,
    ReleaseFacts,
    StatedFields,
    description_id_of,
)
from webapp.documents.search_entry import SearchEntry, entry_of
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.mongodb import db
from webapp.rules import naming

# MongoDB refuses 16 MB; a little room is left for what later updates add.
MAX_PACKAGE_BYTES = 15_000_000

# The order of the index that holds every name.
ALL_NAMES = [("_id", 1), ("name", 1), ("updated_date", 1), ("last_serial", 1)]
# So many of them are in memory at a time.
NAMES_AT_A_TIME = 5000

# What `$slice` takes at most.
MAX_INT32 = 2**31 - 1
# What a number in BSON can be.
MAX_INT64 = 2**63 - 1

# Who looks after a project: owners decide who does, and what is deleted; maintainers upload and yank.
OWNER, MAINTAINER = "owner", "maintainer"
ROLES = (OWNER, MAINTAINER)

# Where the addresses of the files begin that are kept here. Mirrors take only files below /packages/.
OWN_FILES = "/packages/"
# Where they began in older versions; documents may still say so, and these addresses go on working.
FORMER_OWN_FILES = "/files/"


class PackageTooLarge(ValueError):
    """The document of a package would pass the size that MongoDB can keep."""


class ConcurrentChange(RuntimeError):
    """Somebody else kept changing the same package."""


class ReleaseFile(me.EmbeddedDocument):
    """One distribution file of a release, about 0.7 kB; at most about 20,000 in one package."""

    filename = me.StringField(required=True)
    url = me.StringField()
    size = me.LongField()  # bytes
    packagetype = me.StringField()  # "sdist", "bdist_wheel", ...
    python_version = me.StringField()  # "source", "py3", "cp311", ...
    sha256 = me.StringField()
    md5 = me.StringField()
    blake2b_256 = me.StringField()
    uploaded_at = me.DateTimeField()
    requires_python = me.StringField()
    yanked = me.BooleanField(default=False)
    yanked_reason = me.StringField()
    comment = me.StringField()
    metadata_sha256 = me.StringField()  # of its core metadata (PEP 714), where these are kept
    provenance_url = me.StringField()  # of a file of another index: where that offers its attestations (PEP 740)
    uploaded_by = me.StringField()  # the name of the member who uploaded it here ...
    uploaded_with = me.StringField()  # ... and their tool


class Release(me.EmbeddedDocument):
    """One version of a package; most have a dozen, a few have 2,500."""

    version = me.StringField(required=True)
    sort_key = me.StringField(required=True)  # naming.sort_key(version)
    created_date = me.DateTimeField()
    comment = me.StringField()
    url = me.StringField()
    size = me.LongField()  # bytes, of all files together
    is_prerelease = me.BooleanField(default=False)
    yanked = me.BooleanField(default=False)
    yanked_reason = me.StringField()
    requires_python = me.StringField()
    file_count = me.IntField(default=0)
    files = me.EmbeddedDocumentListField(ReleaseFile)
    as_of = me.LongField()  # of the index's document that listed it last: its serial
    differing = me.ListField(me.StringField(), default=None)  # the facts in which its files disagree
    legacy = me.DictField(default=None)  # what an SQL move kept for the record

    def keep_own_files(self, before: "Release") -> None:
        """Keep the files of the release before that were uploaded here: no import replaces them."""
        own = [file for file in before.files if is_own(file.url)]
        names = {file.filename for file in own}
        if own:
            self.files = [file for file in self.files if file.filename not in names] + own
            self.sum_up()

    def sum_up(self) -> None:
        """Derive what the release says about its files."""
        dates = [file.uploaded_at for file in self.files if file.uploaded_at]
        sizes = [file.size for file in self.files if file.size is not None]
        wheels_last = sorted(self.files, key=lambda file: file.packagetype != "sdist")
        self.created_date = min(dates, default=None)
        self.url = wheels_last[0].url if self.files else None
        self.size = sum(sizes) if sizes and sum(sizes) <= MAX_INT64 else None
        # Warehouse yanks file by file, and a release is yanked when all of its files are (PEP 592).
        self.yanked = bool(self.files) and all(file.yanked for file in self.files)
        self.yanked_reason = self.files[0].yanked_reason if self.yanked else None
        self.requires_python = next((file.requires_python for file in self.files if file.requires_python), None)

    def outline(self) -> Outline:
        """Return what the package's own fields follow from."""
        return Outline(
            self.version, self.sort_key, self.created_date, self.size, bool(self.is_prerelease), bool(self.yanked)
        )


# All of a package but what of its releases is in no outline.
_OUTLINED = {f"releases.{field}": 0 for field in Release._fields if field not in Outline._fields}


class Maintainer(me.EmbeddedDocument):
    """A user who looks after the package. The name stands here too, so that a project page needs no second query."""

    user_id = me.ObjectIdField(required=True)
    name = me.StringField()
    role = me.StringField(choices=ROLES, default=MAINTAINER)


class Invitation(me.EmbeddedDocument):
    """Somebody who is asked by mail to look after the package; 20 at most, 0.2 kB each, each for some days."""

    invitation_id = me.StringField(required=True)  # the link in the mail names it, signed
    email = me.StringField(required=True)
    role = me.StringField(choices=ROLES, default=MAINTAINER)
    invited_by = me.ObjectIdField(required=True)
    expires_at = me.DateTimeField(required=True)


class PackagePage(NamedTuple):
    """A package as its page shows it, and the release that the page is about, if there is one."""

    package: Plain  # with a part of its releases, these without files
    release: Plain | None  # with its files


def _are_usual(listed: list[Plain]) -> bool:
    """Tell whether all of these have a key, a name and a serial, or no serial, of the usual types."""
    keys, names, serials = ({type(son.get(key)) for son in listed} for key in ("_id", "name", "last_serial"))
    return keys == names == {str} and serials <= {int, bson.Int64, type(None)}


def _usual(son: Plain) -> Plain:
    name, serial = son.get("name"), son.get("last_serial")
    return {
        "_id": son["_id"],
        "name": name if isinstance(name, str) else son["_id"],
        "last_serial": serial if isinstance(serial, int) else 0,
    }


class PackageQuerySet(ReadingQuerySet):
    """The questions that the site asks about packages."""

    # What a list shows of a package.
    LISTED = (
        "normalized_name",
        "name",
        "summary",
        "latest",
        "newest_release",
        "created_date",
        "release_count",
        "status",
    )

    def named(self, name: str) -> Self:
        """The package of this name, in any spelling. Raises InvalidName."""
        return self.filter(pk=naming.normalize_name(name))

    def listed(self) -> Self:
        """Only what a list shows."""
        return self.only(*self.LISTED)

    def listed_with_requirements(self) -> Self:
        """What a list shows, and what each package requires."""
        return self.only(*self.LISTED, "requires_dist")

    def installable(self) -> Self:
        """Only what installers read."""
        parts = ("version", "yanked", "yanked_reason", "requires_python", "files")
        return self.only("normalized_name", "last_serial", "status", *(f"releases.{part}" for part in parts))

    def newest(self, count: int) -> Self:
        """The packages that appeared last."""
        return self.filter(created_date__ne=None).order_by("-created_date", "pk").limit(count)

    def newly_released(self, count: int) -> Self:
        """The packages whose newest release is the youngest."""
        return (
            self.filter(newest_release__created_date__ne=None)
            .order_by("-newest_release.created_date", "pk")
            .limit(count)
        )

    def under_license(self, license_id: str) -> Self:
        """The packages that are listed under a licence, the newest release first."""
        return self.filter(license_id=license_id).order_by("-newest_release.created_date", "pk")

    def classified(self, classifier: str) -> Self:
        """The packages that carry exactly this classifier, the newest release first."""
        return self.filter(classifiers=classifier).order_by("-newest_release.created_date", "pk")

    def maintained_by(self, user_id: bson.ObjectId) -> Self:
        """The packages that a user looks after, by name."""
        return self.filter(maintainers__user_id=user_id).order_by("pk")

    def managed(self) -> Self:
        """Only what those who look after a package see of it on every page: not its releases."""
        fields = ("normalized_name", "name", "maintainers", "invitations", "release_count", "latest", "status")
        return self.only(*fields, "description_problem")

    def with_unwritten_entries(self) -> Self:
        """The packages with entries that a killed process did not copy to the journal."""
        return self.filter(__raw__={"unwritten.serial": {"$gte": 0}})

    def quarantined(self) -> Self:
        """The packages whose files are not offered, by name."""
        return self.filter(status__marker=QUARANTINED).order_by("pk")

    def names(self) -> Iterator[list[Plain]]:
        """What the index of all packages says of each, {_id, name, last_serial}, in order, so many at a time.

        An index holds it, so no package is read. A name that is none is the `_id`; a serial may be absent. 5,000 names
        take 2 MB; the driver's own batches of 16 MB took 135 MB.
        """
        found = self._collection.find({}, {"name": 1, "last_serial": 1}, sort=ALL_NAMES, batch_size=NAMES_AT_A_TIME)
        while batch := list(islice(found, NAMES_AT_A_TIME)):
            # To look at the types of all at once takes a quarter of what looking at one after the other does.
            yield batch if _are_usual(batch) else [_usual(son) for son in batch if isinstance(son["_id"], str)]

    def requiring(self, normalized_name: str) -> Self:
        """The packages that require this one, the newest release first."""
        return self.filter(requires=normalized_name).order_by("-newest_release.created_date", "pk")

    def starting_with(self, prefix: str) -> Self:
        """The packages whose normalized name begins with this text."""
        return self.filter(__raw__={"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}})


class Package(StatedFields, db.Document):
    """A project with every release, its files, and what the latest one states. 5 kB on average, 15 MB at most."""

    normalized_name = me.StringField(primary_key=True)  # PEP 503
    description = me.StringField()
    description_html = me.StringField()  # safe to show as it is
    description_renderer = me.StringField()  # which renderer made it
    description_problem = me.StringField()  # why it is shown as plain text, a sentence; only if it is
    description_id = me.StringField()  # which text it is: release_facts.description_id_of
    license_id = me.StringField()  # what it is listed under: naming.license_id
    requires = me.ListField(me.StringField())  # naming.required_names of requires_dist
    created_date = me.DateTimeField()
    updated_date = me.DateTimeField()
    status = me.EmbeddedDocumentField(ProjectStatus)  # absent while the project is active
    status_before_quarantine = me.EmbeddedDocumentField(ProjectStatus)  # what its owners had set until then
    maintainers = me.EmbeddedDocumentListField(Maintainer)
    invitations = me.EmbeddedDocumentListField(Invitation, default=None)
    latest = me.EmbeddedDocumentField(Latest)
    newest_release = me.EmbeddedDocumentField(NewestRelease)
    release_count = me.IntField(default=0)
    releases = me.EmbeddedDocumentListField(Release)  # newest version first
    last_serial = me.LongField()  # of the journal's last entry about it
    unwritten = me.EmbeddedDocumentListField(JournalFields, default=None)  # entries on their way to the journal
    legacy = me.DictField(default=None)  # what an SQL move kept for the record

    meta = {
        "collection": "packages",
        "queryset_class": PackageQuerySet,
        "auto_create_index": False,
        "index_background": True,
        "indexes": [
            # Which packages appeared last? (home, feeds, /projects/?order=newest)
            {"fields": ["-created_date", "_id"], "name": "newest_projects"},
            # Which packages had a release last? (home, feeds, /projects/?order=updated)
            {"fields": ["-newest_release.created_date", "_id"], "name": "newest_releases"},
            # Which packages have the most releases? (/projects/?order=releases)
            {"fields": ["-release_count", "_id"], "name": "most_releases"},
            # Which packages are under this licence, which carry this classifier? (/license/, /language/, /classifier/)
            {"fields": ["license_id", "-newest_release.created_date", "_id"], "name": "by_license"},
            {"fields": ["classifiers", "-newest_release.created_date", "_id"], "name": "by_classifier"},
            # Which packages does this user look after? (/user/)
            {"fields": ["maintainers.user_id", "_id"], "name": "by_maintainer"},
            # Which packages are in quarantine? (/admin/packages)
            {
                "fields": ["status.marker", "_id"],
                "name": "by_status",
                "partialFilterExpression": {"status.marker": {"$gt": ""}},
            },
            # What is every name, and when was it changed? (/simple/, sitemaps)
            {"fields": ["_id", "name", "updated_date", "last_serial"], "name": "names"},
            # Which packages were changed since then? (changes/search_index.py)
            {"fields": ["updated_date"], "name": "last_changed"},
            # Which packages require this one? (/used-by/, /project/)
            {"fields": ["requires", "-newest_release.created_date", "_id"], "name": "by_requirement"},
            # Which packages hold entries that a killed process did not copy to the journal? (flask files clean)
            {
                "fields": ["unwritten.serial"],
                "name": "unwritten_entries",
                "partialFilterExpression": {"unwritten.serial": {"$gte": 0}},
            },
        ],
    }

    # Of a package that was read to be changed; None of any other, and of one that has been read whole since.
    _partly: PartlyRead | None = None
    _read_bytes = 0  # of what was read of it

    @classmethod
    def to_change(cls, normalized_name: str) -> Self | None:
        """Return a package to change and store, or None. Of its releases it has those alone that are asked of it."""
        son = cls._get_collection().find_one({"_id": normalized_name}, _OUTLINED)
        if son is None:
            return None
        releases = son.pop("releases", None)
        package = cls(**as_declared(cls, son))
        if isinstance(releases, list):
            plain = [as_declared(Release, each) for each in releases]
            package._partly = PartlyRead({n: Outline.of(each) for n, each in enumerate(plain) if "version" in each})
        package._read_bytes = len(bson.encode(package.to_mongo()))
        return package

    def clean(self) -> None:
        """Derive what the document keeps about its own parts, so that no caller can forget it."""
        for release in self.releases:
            release.sort_key = naming.sort_key(release.version)
            release.is_prerelease = naming.is_prerelease(release.version)
            release.file_count = len(release.files)
        self.releases.sort(key=lambda release: (release.sort_key, release.version), reverse=True)
        unread = self._partly.unread.values() if self._partly else ()
        outlines = [*unread, *map(Release.outline, self.releases)]
        self.release_count = len(outlines)
        latest = max(outlines, key=Outline.rank, default=None)
        self.latest = latest and Latest(version=latest.version, created_date=latest.created_date, size=latest.size)
        dated = [each for each in outlines if each.created_date and not each.yanked]
        newest = max(dated, key=lambda each: (each.created_date, each.sort_key), default=None)
        self.newest_release = newest and NewestRelease(version=newest.version, created_date=newest.created_date)
        self.license_id = naming.license_id(self.license, self.license_expression, self.classifiers)
        self.requires = naming.required_names(self.requires_dist)

    def role_of(self, user_id: bson.ObjectId) -> str | None:
        """Return what a user is here, "owner" or "maintainer", or None.

        A project without an owner is in the hands of all its maintainers: the old site knew no roles.
        """
        roles = {each.user_id: each.role for each in self.maintainers}
        if user_id not in roles:
            return None
        return OWNER if OWNER not in roles.values() or roles[user_id] == OWNER else MAINTAINER

    def releases_of(self, version: str) -> list[Release]:
        """Return the releases of exactly this version: one, or none; the old site kept several now and then."""
        self._read(lambda outline: outline.version == version)
        return [each for each in self.releases if each.version == version]

    def release_equal_to(self, version: str) -> Release | None:
        """Return the release of this version, in any spelling (PEP 440)."""
        key = naming.sort_key(version)
        self._read(lambda outline: outline.sort_key == key)
        return next((each for each in self.releases if (each.sort_key or naming.sort_key(each.version)) == key), None)

    def all_releases(self) -> list[Release]:
        """Return every release."""
        self._read(lambda _: True)
        self._partly = None
        return list(self.releases)

    def _read(self, is_wanted: Callable[[Outline], bool]) -> None:
        """Read those of the releases whole that are wanted and were not read yet. Raises ConcurrentChange."""
        if (partly := self._partly) is None or not (places := partly.places(is_wanted)):
            return
        first, last = min(places), max(places)
        some = {"releases": {"$slice": [first, last - first + 1]}, "name": 1}
        son = Package._get_collection().find_one(self._unchanged_since(self.updated_date), some)
        if son is None:
            raise self._conflict()
        read = dict(enumerate(son.get("releases", []), first))
        for place in places:
            release = Release(**as_declared(Release, read.get(place)))
            if release.version != partly.unread[place].version:
                raise self._conflict()
            self.releases.append(release)
            partly.note(place, release)
            self._read_bytes += len(bson.encode(release.to_mongo()))

    def _unchanged_since(self, read_at: datetime | None) -> Plain:
        # Without a date it is new, or somebody took the date away by hand; one that has a date is a conflict.
        return {"_id": self.pk, "updated_date": read_at or {"$not": {"$type": "date"}}}

    def _conflict(self) -> ConcurrentChange:
        return ConcurrentChange(f"{self.name}: changed by somebody else in the meantime")

    def store(self) -> None:
        """Write the document, or refuse it: with this `updated_date` as the guard, nobody's change is lost.

        Releases that were not read stay as they are, and so do fields that somebody added by hand beside the declared.
        A new package has no `updated_date`. Raises ConcurrentChange when the stored document is no longer the one
        that this was read from, PackageTooLarge past 15 MB, and mongoengine's ValidationError.
        """
        releases = self._releases_update()
        self.description_id = description_id_of(self.description, self.description_content_type)
        read_at, self.updated_date = self.updated_date, utc_now()
        if read_at and self.updated_date <= read_at:
            # Two changes in one millisecond, or by two clocks, must not have the same date: it is the guard.
            self.updated_date = read_at + timedelta(milliseconds=1)
        son = self.to_mongo()
        size = self._size(son)
        if size > MAX_PACKAGE_BYTES:
            raise PackageTooLarge(f"{self.name}: its document would take {size:,} bytes of {MAX_PACKAGE_BYTES:,}")
        entry = entry_of(son)
        may_be_new = read_at is None and self._partly is None
        if not ((may_be_new and self._insert(son)) or self._update(son, releases, self._unchanged_since(read_at))):
            raise self._conflict()
        # A kill before this is made good by search_index.catch_up.
        SearchEntry.keep(entry)

    def _insert(self, son: Plain) -> bool:
        """Write a new document, its fields in the order in which they are declared; `$set` would sort them by name."""
        try:
            Package._get_collection().insert_one(son)
        except DuplicateKeyError:
            return False
        return True

    def _update(self, son: Plain, releases: Update, unchanged: Plain) -> bool:
        for field in ("_id", "releases"):
            son.pop(field, None)
        absent = self._db_field_map.values() - son.keys() - {"_id", "releases"}
        operators = releases.operators
        change = {**operators, "$set": son | operators.get("$set", {}), "$unset": dict.fromkeys(absent, "")}
        return bool(Package._get_collection().update_one(unchanged | releases.guard, change).matched_count)

    def _releases_update(self) -> Update:
        self.validate()
        if self._partly:
            if update := self._partly.update_to(list(self.releases)):
                return update
            self.all_releases()
            self.validate()
        return Update({"$set": {"releases": [release.to_mongo() for release in self.releases]}}, {})

    def _size(self, son: Plain) -> int:
        """Return how many bytes the stored document will take, or fewer where it does not grow."""
        size = len(bson.encode(son))
        if self._partly and size > self._read_bytes:
            size += self._stored_size() - self._read_bytes
        return size

    def _stored_size(self) -> int:
        if not isinstance(self._get_db(), Database):
            return self._read_bytes  # mongomock has no $bsonSize
        question = [{"$match": {"_id": self.pk}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
        found = next(iter(Package._get_collection().aggregate(question)), {"size": 0})
        return int(found["size"])

    @classmethod
    def page_of(cls, normalized_name: str, version: str | None, *, first: int, count: int) -> PackagePage | None:
        """Return what a project page shows, or None when there is no such package.

        `version` is the release asked for, in any spelling (PEP 440); None asks for the latest. With it come `count`
        releases of the history from the `first` on, without their files: the cost hardly grows with those not shown.
        """
        latest = {"$eq": ["$$release.version", "$latest.version"]}
        wanted: Plain = latest if version is None else _is_version(version)
        releases = {"$cond": [{"$isArray": "$releases"}, "$releases", []]}
        found = cls._get_collection().aggregate(
            [
                {"$match": {"_id": normalized_name}},
                {
                    "$addFields": {
                        "shown": {"$filter": {"input": releases, "as": "release", "cond": wanted}},
                        "releases": {"$slice": [releases, min(first, MAX_INT32), count]},
                    }
                },
                {
                    "$project": {
                        "description": 0,
                        "requires": 0,
                        "invitations": 0,
                        "releases.files": 0,
                    }
                },
            ]
        )
        raw = next(iter(found), None)
        if raw is None:
            return None
        shown = [as_declared(Release, son) for son in raw.get("shown", [])]
        candidates = [release for release in shown if "version" in release]
        exact = [release for release in candidates if release["version"] == version]
        package, release = as_declared(cls, raw), next(iter(exact or candidates), None)
        return PackagePage(release_states(package, release), release)

    @classmethod
    def with_releases(cls, normalized_name: str, versions: Iterable[str]) -> Plain | None:
        """Return a package with its description's text and those of its releases alone that are asked for, or None.

        The versions may be in any spelling (PEP 440); `chosen_of` finds each again.
        """
        releases = {"$cond": [{"$isArray": "$releases"}, "$releases", []]}
        wanted = {"$or": [_is_version(version) for version in versions]}
        found = cls._get_collection().aggregate(
            [
                {"$match": {"_id": normalized_name}},
                {"$addFields": {"releases": {"$filter": {"input": releases, "as": "release", "cond": wanted}}}},
                {"$project": {"description_html": 0, "requires": 0, "invitations": 0}},
            ]
        )
        raw = next(iter(found), None)
        return None if raw is None else as_declared(cls, raw)


def _is_version(version: str) -> Plain:
    """Return the expression that holds for a release of this version, in any spelling (PEP 440)."""
    return {
        "$or": [
            # A version of the reader's own is no expression, even if it begins with "$".
            {"$eq": ["$$release.version", {"$literal": version}]},
            {"$eq": ["$$release.sort_key", naming.sort_key(version)]},
        ]
    }


def chosen_of(releases: Iterable[Plain], version: str) -> Plain | None:
    """Return the release of a version: the one that is written just so, or one that PEP 440 takes for the same."""
    candidates = [release for release in releases if release.get("version")]
    exact = [release for release in candidates if release["version"] == version]
    key = naming.sort_key(version)
    return next(iter(exact or [release for release in candidates if release.get("sort_key") == key]), None)


def release_states(
    package: Plain, release: Plain | None, facts: Plain | None = None, *, as_text: bool = False
) -> Plain:
    """Return a package that says what one of its releases states, and nothing where that is unknown.

    `facts` are those of the release, where they were read already. `as_text` asks for the description's text, not for
    its HTML. The package itself says what its latest release states.
    """
    latest = package.get("latest", {}).get("version")
    if release is None or latest is None or release["version"] == latest:
        return package
    facts = facts or ReleaseFacts.of(package["normalized_name"], release["version"]) or {}
    license_id = naming.license_id(facts.get("license"), facts.get("license_expression"), facts.get("classifiers", []))
    others = {name: value for name, value in package.items() if name not in _STATED}
    stated = {name: value for name, value in facts.items() if name in STATED} | {"license_id": license_id or ""}
    if (description_id := facts.get("description_id")) is None:
        return others | stated
    field = "description" if as_text else "description_html"
    if description_id == package.get("description_id"):
        return others | stated | {field: package.get(field, "")}
    kept = ReleaseDescription.of(package["normalized_name"], description_id) or {}
    return others | stated | {field: kept.get("text" if as_text else "html", "")}


# What a package says for its latest release.
_STATED = frozenset({*STATED, "description", "description_html", "description_renderer", "license_id", "requires"})


def own_url(sha256: str, filename: str) -> str:
    """Return the address of a file that is kept here, which changes with its bytes. It begins at the site's root."""
    return f"{OWN_FILES}{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"


def is_own(url: str | None) -> bool:
    """Tell whether this is the address of a file that is kept here."""
    return bool(url and url.startswith((OWN_FILES, FORMER_OWN_FILES)))
