"""Queries for packages."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Self, cast

import bson
from packaging.utils import NormalizedName

from webapp.documents.base import Plain
from webapp.documents.hidden import ShownQuerySet, hidden_names, shown
from webapp.documents.invitation import to_account
from webapp.documents.known_name import KnownName
from webapp.documents.labels import License
from webapp.documents.plain_fields import PackageFields
from webapp.documents.project_status import QUARANTINED
from webapp.rules import naming

# The order of the index that holds every name.
ALL_NAMES = [("_id", 1), ("name", 1), ("updated_date", 1), ("last_serial", 1)]
_BY_NEWEST_RELEASE = [("newest_release.created_date", -1), ("_id", 1)]
# The fields that installers read.
_RELEASE_PARTS = ("version", "yanked", "yanked_reason", "requires_python", "files")
_INSTALLABLE = ("last_serial", "status", *(f"releases.{part}" for part in _RELEASE_PARTS))
# How many of them are in memory at a time.
NAMES_AT_A_TIME = 5000


def _are_usual(listed: list[Plain]) -> bool:
    """Tell whether all of these have a key, a name, and a serial or none, of the usual types."""
    keys, names, serials = ({type(son.get(key)) for son in listed} for key in ("_id", "name", "last_serial"))
    return keys == names == {str} and serials <= {int, bson.Int64, type(None)}


def _usual(son: Plain) -> Plain:
    name, serial = son.get("name"), son.get("last_serial")
    return {
        "_id": son["_id"],
        "name": name if isinstance(name, str) else son["_id"],
        "last_serial": serial if isinstance(serial, int) else 0,
    }


class PackageQuerySet(ShownQuerySet):
    """Queries for packages."""

    # The fields that lists show.
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
        """The package with this name, in any spelling. Raises InvalidName."""
        return self.filter(pk=naming.normalize_name(name))

    def names_among(self, normalized_names: list[str]) -> set[str]:
        """Return those of these names whose projects are here."""
        found = self.raw().find({"$and": [{"_id": {"$in": normalized_names}}, shown()]}, {"_id": 1})
        return {son["_id"] for son in found}

    def listed(self) -> Self:
        """Only the fields that lists show."""
        return self.only(*self.LISTED)

    def listed_with_requirements(self) -> Self:
        """The fields that lists show, and the requirements."""
        return self.only(*self.LISTED, "requires_dist")

    def raw_installable(self, normalized_name: NormalizedName) -> bytes | None:
        """Return what installers read of a package in BSON, or None. `declared` decodes it."""
        return None if normalized_name in hidden_names() else self.raw_parts(normalized_name, _INSTALLABLE)

    def newest(self, count: int) -> list[PackageFields]:
        """The fields that lists show of the newest packages."""
        return self._latest("created_date", count)

    def newly_released(self, count: int) -> list[PackageFields]:
        """The fields that lists show of the packages with the newest releases."""
        return self._latest("newest_release.created_date", count)

    def _latest(self, date: str, count: int) -> list[PackageFields]:
        # Building a queryset takes half as long as asking.
        dated = {date: {"$ne": None}} | shown()
        found = self.raw().find(dated, dict.fromkeys(self.LISTED, 1), sort=[(date, -1), ("_id", 1)], limit=count)
        return cast("list[PackageFields]", self.as_plain(found))

    def under_license(self, name: str) -> Self:
        """The packages listed under a licence, newest release first."""
        return self.filter(license_id__in=License.objects.meaning(name)).order_by("-newest_release.created_date", "pk")

    def classified(self, classifier: str) -> Self:
        """The packages with exactly this classifier, newest release first."""
        return self.filter(classifiers=classifier).order_by("-newest_release.created_date", "pk")

    def maintained_by(self, user_id: bson.ObjectId, teams: Iterable[str] = ()) -> Self:
        """The packages that a user or one of these teams maintains, by name."""
        if not (named := list(teams)):
            return self.filter(maintainers__user_id=user_id).order_by("pk")
        either = [{"maintainers.user_id": user_id}, {"teams.team": {"$in": named}}]
        return self.filter(__raw__={"$or": either}).order_by("pk")

    def of_team(self, team: str) -> Self:
        """The packages that a team owns or maintains, by name."""
        return self.filter(__raw__={"teams.team": team}).order_by("pk")

    def managed(self) -> Self:
        """Only the fields that every page of `/manage/` shows: not its releases."""
        fields = ("normalized_name", "name", "maintainers", "teams", "invitations", "release_count", "latest", "status")
        chosen = ("signers", "readers", "publishers", "only_publishers", "release_rule")
        return self.only(*fields, *chosen, "description_problem")

    def inviting(self, user_id: bson.ObjectId, email_folded: str | None) -> Self:
        """The packages that invite this account or this address; only the fields that invitations need."""
        fields = ("normalized_name", "name", "maintainers", "teams", "invitations")
        return self.filter(__raw__=to_account(user_id, email_folded)).only(*fields)

    def hidden_from(self, user_id: bson.ObjectId, teams: list[str]) -> list[str]:
        """Return the names of the packages that others may read, but not this user, who belongs to these teams.

        A deleted one stays hidden until another package has its name.
        """
        others = {"readers": {"$gt": "", "$nin": teams}, "teams.team": {"$nin": teams}}
        found = self.raw().find(others | {"maintainers.user_id": {"$ne": user_id}}, {"_id": 1}, sort=[("_id", 1)])
        own = {each.removeprefix("project:") for each in teams if ":" in each}
        hidden = [son["_id"] for son in found if isinstance(son["_id"], str) and son["_id"] not in own]
        if gone := KnownName.objects.hidden_from(user_id, teams):
            here = {son["_id"] for son in self.raw().find({"_id": {"$in": gone}}, {"_id": 1})}
            hidden += [name for name in gone if name not in here]
        return hidden

    def hidden_from_some(self) -> list[str]:
        """Return the names of the packages that only some may read, and of deleted ones that were so."""
        nobody = bson.ObjectId()
        return self.hidden_from(nobody, [])

    def narrowed_to(self, team: str) -> Self:
        """The packages that this team may read, and only some others."""
        return self.filter(__raw__={"readers": team})

    def published_by(self, keys: list[str]) -> Self:
        """The packages that a pipeline with these keys may publish, by name."""
        # The range lets MongoDB use the partial index.
        return self.filter(__raw__={"publishers.key": {"$in": keys, "$gt": ""}}).order_by("pk")

    def with_unwritten_entries(self) -> Self:
        """The packages with entries that a killed process did not copy to the journal."""
        return self.filter(__raw__={"unwritten.serial": {"$gte": 0}})

    def quarantined(self) -> Self:
        """The packages in quarantine, by name."""
        return self.filter(status__marker=QUARANTINED).order_by("pk")

    def is_quarantined(self, normalized_name: str) -> bool:
        """Tell whether this package is in quarantine.

        Every download asks this. Counting takes twice as long as finding, and building a queryset as long as that.
        """
        return self.raw().find_one({"_id": normalized_name, "status.marker": QUARANTINED}, {"_id": 1}) is not None

    def names(self) -> Iterator[list[Plain]]:
        """All packages as {_id, name, last_serial}, in order and in batches.

        They come from an index, so no package is read. An invalid name is replaced by the `_id`; the serial may be
        absent. 5,000 names take 2 MB; the driver's own batches of 16 MB took 135 MB.
        """
        found = self._collection.find(
            shown(), {"name": 1, "last_serial": 1}, sort=ALL_NAMES, batch_size=NAMES_AT_A_TIME
        )
        while batch := list(islice(found, NAMES_AT_A_TIME)):
            # Checking all types at once takes a quarter of the time of checking them one by one.
            yield batch if _are_usual(batch) else [_usual(son) for son in batch if isinstance(son["_id"], str)]

    def requiring(self, normalized_name: NormalizedName) -> Self:
        """The packages that require this one, newest release first."""
        return self.filter(requires=normalized_name).order_by("-newest_release.created_date", "pk")

    def users_of(self, normalized_name: NormalizedName, count: int) -> list[PackageFields]:
        """The first packages of `requiring`, with their names and requirements. Building a queryset takes as long."""
        fields = {"name": 1, "requires_dist": 1}
        found = self.raw().find({"requires": normalized_name} | shown(), fields, sort=_BY_NEWEST_RELEASE, limit=count)
        return cast("list[PackageFields]", self.as_plain(found))

    def starting_with(self, prefix: str) -> Self:
        """The packages whose normalized name starts with this text."""
        return self.filter(__raw__={"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}})
