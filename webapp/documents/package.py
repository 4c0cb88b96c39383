"""A project, with its releases, files and maintainers embedded: collection `packages`."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Self

import bson
import mongoengine as me
from packaging.utils import NormalizedName
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from webapp.documents.base import Plain, as_declared, utc_now
from webapp.documents.invitation import INDEXES, Invitation
from webapp.documents.journal import JournalFields
from webapp.documents.package_queries import PackageQuerySet
from webapp.documents.partly_read import Outline, PartlyRead, Update, newest_of
from webapp.documents.project_status import ProjectStatus
from webapp.documents.publisher import Publisher
from webapp.documents.release import Release
from webapp.documents.release_facts import (
    ReleaseFacts,
    StatedFields,
    description_id_of,
)
from webapp.documents.search_entry import SearchEntry, entry_of
from webapp.documents.shown_release import Latest, NewestRelease
from webapp.documents.user import program_of
from webapp.mongodb import db
from webapp.rules import naming

# MongoDB refuses 16 MB; this leaves some room for later updates.
MAX_PACKAGE_BYTES = 15_000_000

# Roles in a project: owners choose the people and delete things; maintainers upload and yank.
OWNER, MAINTAINER = "owner", "maintainer"
ROLES = (OWNER, MAINTAINER)
# How a project is released, if not by any upload: through sessions, which another owner than the uploader may have to
# publish.
SESSIONS, REVIEWED = "sessions", "reviewed"


class PackageTooLarge(ValueError):
    """The document of a package would exceed the size that MongoDB can store."""


class ConcurrentChange(RuntimeError):
    """Somebody else kept changing the same package."""


# The fields of a package's releases that are not part of an outline.
_OUTLINED = {f"releases.{field}": 0 for field in Release._fields if field not in Outline._fields}


# How a package is read to be changed: an outline of its releases, and what the latest one states, in one trip.
_LATEST = "$latest.version"
_IS_TEXT = {"$and": [{"$gte": [_LATEST, ""]}, {"$lt": [_LATEST, {"$literal": {}}]}]}
_AS_READ_TO_CHANGE = [
    {"$project": _OUTLINED},
    {"$addFields": {"fact_key": {"$cond": [_IS_TEXT, {"$concat": ["$_id", "/", _LATEST]}, None]}}},
    {"$lookup": {"from": "release_facts", "localField": "fact_key", "foreignField": "_id", "as": "facts"}},
]


class Maintainer(me.EmbeddedDocument):
    """A user who maintains the package. The name is copied, so that a project page needs no second query."""

    user_id = me.ObjectIdField(required=True)
    name = me.StringField()
    role = me.StringField(choices=ROLES, default=MAINTAINER)


class TeamRole(me.EmbeddedDocument):
    """A team that owns or maintains the package; MOST_TEAMS at most, 0.1 kB each."""

    team = me.StringField(required=True)  # its name
    role = me.StringField(choices=ROLES, default=MAINTAINER)


class Package(StatedFields, db.Document):
    """A project with all releases and files, and the metadata of the latest one. 14 kB on average, 15 MB at most."""

    normalized_name = me.StringField(primary_key=True)  # PEP 503
    description = me.StringField()
    description_html = me.StringField()  # safe to show
    description_renderer = me.StringField()  # the renderer that made it
    description_problem = me.StringField()  # why it is shown as plain text, if it could not be rendered
    description_id = me.StringField()  # identifies the text: release_facts.description_id_of
    license_id = me.StringField()  # the name it is listed under: naming.license_id
    requires = me.ListField(me.StringField())  # naming.required_names of requires_dist
    created_date = me.DateTimeField()
    updated_date = me.DateTimeField()
    status = me.EmbeddedDocumentField(ProjectStatus)  # absent while the project is active
    status_before_quarantine = me.EmbeddedDocumentField(ProjectStatus)  # what its owners had set until then
    # Who has to sign new files: addresses of repositories or above and below, or email addresses. 10 at most.
    signers = me.ListField(me.StringField(), default=None)
    # The teams whose members may read it on a site for members, besides those who maintain it; 20 at most.
    readers = me.ListField(me.StringField(), default=None)
    publishers = me.EmbeddedDocumentListField(Publisher, default=None)  # pipelines; at most MOST_PUBLISHERS
    only_publishers = me.BooleanField(default=None)  # true: new files come from these only, not from API tokens
    release_rule = me.StringField(choices=(SESSIONS, REVIEWED))  # absent: any upload publishes its file
    maintainers = me.EmbeddedDocumentListField(Maintainer)
    teams = me.EmbeddedDocumentListField(TeamRole, default=None)
    invitations = me.EmbeddedDocumentListField(Invitation, default=None)
    latest = me.EmbeddedDocumentField(Latest)
    newest_release = me.EmbeddedDocumentField(NewestRelease)
    release_count = me.IntField(default=0)
    releases = me.EmbeddedDocumentListField(Release)  # newest version first
    last_serial = me.LongField()  # of its last journal entry
    unwritten = me.EmbeddedDocumentListField(JournalFields, default=None)  # entries on their way to the journal
    legacy = me.DictField(default=None)  # what a migration from SQL kept for the record

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
            # Which packages does this user maintain? (/user/)
            {"fields": ["maintainers.user_id", "_id"], "name": "by_maintainer"},
            # Which packages do these teams maintain? (/manage/, /teams/)
            {
                "fields": ["teams.team", "_id"],
                "name": "by_team",
                "partialFilterExpression": {"teams.team": {"$gt": ""}},
            },
            # Which packages may only some teams read? (READ_ACCESS=members)
            {"fields": ["readers", "_id"], "name": "by_reader", "partialFilterExpression": {"readers": {"$gt": ""}}},
            *INDEXES,
            # Which packages may this pipeline publish? (/_/oidc/mint-token)
            {
                "fields": ["publishers.key", "_id"],
                "name": "by_publisher",
                "partialFilterExpression": {"publishers.key": {"$gt": ""}},
            },
            # Which packages are in quarantine? (/admin/packages)
            {
                "fields": ["status.marker", "_id"],
                "name": "by_status",
                "partialFilterExpression": {"status.marker": {"$gt": ""}},
            },
            # What are all names, and when were they changed? (/simple/, sitemaps)
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

    # Of a package that was read to be changed; None for any other, and once all releases have been read.
    _partly: PartlyRead | None = None
    _as_read: Plain | None = None  # as it stood then, without its releases
    _read_bytes = 0  # the size of that, and of the releases that have been read
    _stored_bytes: int | None = None  # the size of the stored document then
    # What the release states that was its latest then; of a package that was read to be changed.
    facts_when_read: Plain | None = None

    @classmethod
    def to_change(cls, normalized_name: NormalizedName) -> Self | None:
        """Return a package to change and store, or None. Its releases are read only when they are asked for."""
        stages = [{"$match": {"_id": normalized_name}}, *_AS_READ_TO_CHANGE]
        if isinstance(cls._get_db(), Database):  # mongomock has no $bsonSize
            stages.insert(1, {"$addFields": {"stored_bytes": {"$bsonSize": "$$ROOT"}}})
        son = next(iter(cls.objects.raw().aggregate(stages)), None)
        if son is None:
            return None
        releases, facts = son.pop("releases", None), son.pop("facts")
        package = cls(**as_declared(cls, son))
        package._stored_bytes = son.get("stored_bytes")
        package._as_read = {name: value for name, value in son.items() if name in cls._reverse_db_field_map}
        package._read_bytes = len(bson.encode(package._as_read))
        package.facts_when_read = as_declared(ReleaseFacts, facts[0]) if facts else None
        if isinstance(releases, list):
            plain = [as_declared(Release, each) for each in releases]
            package._partly = PartlyRead({n: Outline.of(each) for n, each in enumerate(plain) if "version" in each})
        return package

    def clean(self) -> None:
        """Derive fields from others, so that no caller can forget it."""
        for release in self.releases:
            release.sort_key = naming.sort_key(release.version)
            release.is_prerelease = naming.is_prerelease(release.version)
            release.file_count = len(release.files)
        self.releases.sort(key=lambda release: (release.sort_key, release.version), reverse=True)
        outlines = [*(self._partly.leaders() if self._partly else ()), *map(Release.outline, self.releases)]
        self.release_count = len(self.releases) + (len(self._partly.unread) if self._partly else 0)
        latest = max(outlines, key=Outline.rank, default=None)
        self.latest = latest and Latest(version=latest.version, created_date=latest.created_date, size=latest.size)
        newest = newest_of(outlines)
        self.newest_release = newest and NewestRelease(version=newest.version, created_date=newest.created_date)
        Package.derive_from_facts(self)  # `db check` lets other objects derive theirs, too

    def derive_from_facts(self) -> None:
        """Derive fields from what the latest release states."""
        self.license_id = naming.license_id(self.license, self.license_expression, self.classifiers)
        self.requires = naming.required_names(self.requires_dist)

    def role_of(self, user_id: bson.ObjectId, teams: Iterable[str] = ()) -> str | None:
        """Return the role of a user in these teams, "owner" or "maintainer", or None.

        If a project has no owner, all its maintainers have the owners' rights: the old site had no roles.
        """
        if program_of(self.pk or "") in teams:
            return MAINTAINER
        mine = {each.role for each in self.maintainers if each.user_id == user_id}
        mine |= {each.role for each in self.teams or [] if each.team in set(teams)}
        if not mine:
            return None
        return OWNER if OWNER in mine or not self.has_owner() else MAINTAINER

    def has_owner(self) -> bool:
        """Tell whether a user or a team owns the project."""
        return any(each.role == OWNER for each in [*self.maintainers, *(self.teams or [])])

    def releases_of(self, version: str) -> list[Release]:
        """Return the releases of exactly this version: one or none, or several on a migrated site."""
        self._read(lambda outline: outline.version == version)
        return [each for each in self.releases if each.version == version]

    def release_equal_to(self, version: str) -> Release | None:
        """Return the release of this version, in any spelling (PEP 440)."""
        key = naming.sort_key(version)
        self._read(lambda outline: outline.sort_key == key)
        return next((each for each in self.releases if (each.sort_key or naming.sort_key(each.version)) == key), None)

    def all_releases(self) -> list[Release]:
        """Return all releases."""
        self._read(lambda _: True)
        self._partly = None
        return list(self.releases)

    def _read(self, is_wanted: Callable[[Outline], bool]) -> None:
        """Read the wanted releases completely, unless they have been read. Raises ConcurrentChange."""
        if (partly := self._partly) is None or not (positions := partly.positions(is_wanted)):
            return
        first, last = min(positions), max(positions)
        some = {"releases": {"$slice": [first, last - first + 1]}, "name": 1}
        son = Package.objects.raw().find_one(self._unchanged_since(self.updated_date), some)
        if son is None:
            raise self._conflict()
        read = dict(enumerate(son.get("releases", []), first))
        for position in positions:
            release = Release(**as_declared(Release, read.get(position)))
            if release.version != partly.unread[position].version:
                raise self._conflict()
            self.releases.append(release)
            partly.note(position, release)
            self._read_bytes += len(bson.encode(release.to_mongo()))

    def _unchanged_since(self, read_at: datetime | None) -> Plain:
        # Without a date it is new, or the date was removed by hand; a document with a date is a conflict.
        return {"_id": self.pk, "updated_date": read_at or {"$not": {"$type": "date"}}}

    def _conflict(self) -> ConcurrentChange:
        return ConcurrentChange(f"{self.name}: changed by somebody else in the meantime")

    def store(self) -> None:
        """Write the document, or refuse it. `updated_date` guards the write, so that nobody's change is lost.

        Releases that were not read stay as they are, and so do fields that were added by hand. A new package has no
        `updated_date`. Raises ConcurrentChange if the stored document was changed since it was read, PackageTooLarge
        beyond 15 MB, and mongoengine's ValidationError.
        """
        releases = self._releases_update()
        self.description_id = description_id_of(self.description, self.description_content_type)
        read_at, self.updated_date = self.updated_date, utc_now()
        if read_at and self.updated_date <= read_at:
            # Two changes within a millisecond, or by two clocks, must not have the same date, because it is the guard.
            self.updated_date = read_at + timedelta(milliseconds=1)
        son = self.to_mongo()
        size = self._size(son)
        if size > MAX_PACKAGE_BYTES:
            raise PackageTooLarge(f"{self.name}: its document would take {size:,} bytes of {MAX_PACKAGE_BYTES:,}")
        entry = entry_of(son)
        may_be_new = read_at is None and self._partly is None
        if not ((may_be_new and self._insert(son)) or self._update(son, releases, self._unchanged_since(read_at))):
            raise self._conflict()
        # If the process is killed before this, search_index.catch_up makes up for it.
        SearchEntry.store(entry)

    def _insert(self, son: Plain) -> bool:
        """Write a new document, with its fields in the declared order; `$set` would sort them by name."""
        try:
            Package.objects.raw().insert_one(son)
        except DuplicateKeyError:
            return False
        return True

    def _update(self, son: Plain, releases: Update, unchanged: Plain) -> bool:
        """Write the releases, and the fields that have changed since they were read, or all."""
        before, names = self._as_read, self._reverse_db_field_map.keys() - {"_id", "releases"}
        written = {name: son[name] for name in names & son.keys()}
        if before is not None:
            written = {
                name: value
                for name, value in written.items()
                if name not in before or _as_bson(before[name]) != _as_bson(value)
            }
            names &= before.keys()
        change = {**releases.operators, "$set": written | releases.operators.get("$set", {})}
        if absent := names - son.keys():
            change["$unset"] = dict.fromkeys(absent, "")
        return bool(Package.objects.raw().update_one(unchanged | releases.guard, change).matched_count)

    def _releases_update(self) -> Update:
        self.validate()
        if self._partly:
            if update := self._partly.update_to(list(self.releases)):
                return update
            self.all_releases()
            self.validate()
        return Update({"$set": {"releases": [release.to_mongo() for release in self.releases]}}, {})

    def _size(self, son: Plain) -> int:
        """Return how large the stored document will be, or less if it does not grow."""
        size = len(bson.encode(son))
        if self._partly and size > self._read_bytes:
            size += (self._stored_bytes or self._read_bytes) - self._read_bytes
        return size


def _as_bson(value: object) -> bytes:
    # For Python, True is 1, and two dictionaries are equal in whatever order their keys are.
    return bson.encode({"value": value})
