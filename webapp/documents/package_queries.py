"""Queries for packages."""

from collections.abc import Iterator
from itertools import islice
from typing import Self

import bson

from webapp.documents.base import Plain, ReadingQuerySet
from webapp.documents.project_status import QUARANTINED
from webapp.rules import naming

# The order of the index that holds every name.
ALL_NAMES = [("_id", 1), ("name", 1), ("updated_date", 1), ("last_serial", 1)]
# So many of them are in memory at a time.
NAMES_AT_A_TIME = 5000


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
