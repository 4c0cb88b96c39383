"""Read only the releases of a package that a change needs.

In a project with 2,500 releases and 5,000 files, building and validating objects for all of them took 1.5 s for a
change of just one. So only an outline of the others is read, and they stay in the database as they are.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from webapp.documents.base import Plain
from webapp.rules import naming


class Outline(NamedTuple):
    """The fields of one release from which the package's own fields are derived."""

    version: str
    sort_key: str
    created_date: datetime | None
    size: int | None
    is_prerelease: bool
    yanked: bool

    @classmethod
    def of(cls, release: Plain) -> "Outline":
        """Return the outline of a release that has at least a version."""
        version = release["version"]
        return cls(
            version,
            release.get("sort_key") or naming.sort_key(version),
            release.get("created_date"),
            release.get("size"),
            release.get("is_prerelease", False),
            release.get("yanked", False),
        )

    def rank(self) -> naming.ReleaseRank:
        """Return the rank that decides whether this release is the package's latest."""
        return naming.rank_release(self.version, self.sort_key, yanked=self.yanked, prerelease=self.is_prerelease)

    def order(self) -> tuple[str, str]:
        """Return the sort key for the releases of a package, highest first."""
        return self.sort_key, self.version


def newest_of(outlines: Iterable[Outline]) -> Outline | None:
    """Return the release that was published last and is not yanked, if any has a date."""
    dated = [each for each in outlines if each.created_date and not each.yanked]
    return max(dated, key=lambda each: (each.created_date, each.sort_key), default=None)


class _Release(Protocol):
    def outline(self) -> Outline: ...

    def to_mongo(self) -> Any: ...


class _Read(NamedTuple):
    """A release that was read completely, and its state at that time."""

    release: _Release
    before: Plain


class Update(NamedTuple):
    """The operators of an update, and its condition on the releases."""

    operators: Plain
    guard: Plain


class PartlyRead:
    """The releases of a stored package by position: outlines, and those that were read completely."""

    def __init__(self, outlines: dict[int, Outline]) -> None:
        self.unread = outlines
        self._read: dict[int, _Read] = {}
        self._leaders: list[Outline] | None = None

    def positions(self, is_wanted: Callable[[Outline], bool]) -> list[int]:
        """Return the positions of the wanted releases that have not been read yet."""
        return [position for position, outline in self.unread.items() if is_wanted(outline)]

    def leaders(self) -> list[Outline]:
        """Return the unread releases that can represent the package: those of the highest rank and newest date."""
        if self._leaders is None:
            unread = self.unread.values()
            found = (max(unread, key=Outline.rank, default=None), newest_of(unread))
            self._leaders = [each for each in found if each]
        return self._leaders

    def note(self, position: int, release: _Release) -> None:
        """Record that the release at this position was read."""
        del self.unread[position]
        self._leaders = None
        self._read[position] = _Read(release, release.to_mongo())

    def update_to(self, releases: list[_Release]) -> Update | None:
        """Return the update that changes the stored releases into these, or None if no single update can.

        MongoDB accepts one operator per array: set elements, insert one, or remove some. None is also returned if the
        stored releases are out of order, so that writing all of them corrects that.
        """
        positions = {id(read.release): position for position, read in self._read.items()}
        kept = {positions[id(release)]: release for release in releases if id(release) in positions}
        new = [release for release in releases if id(release) not in positions]
        gone = {read.release.outline().version for position, read in self._read.items() if position not in kept}
        sons = {position: release.to_mongo() for position, release in kept.items()}
        changed = {position: son for position, son in sons.items() if son != self._read[position].before}
        standing = self.unread | {position: release.outline() for position, release in kept.items()}
        order = [standing[position].order() for position in sorted(standing)]
        if order != sorted(order, reverse=True):
            return None
        match bool(changed), len(new), bool(gone):
            case _, 0, False:
                # The positions are those at the time of reading, and manual edits may not change the package's date.
                guard = {f"releases.{position}.version": son["version"] for position, son in changed.items()}
                return Update({"$set": {f"releases.{position}": son for position, son in changed.items()}}, guard)
            case False, 1, False:
                behind = new[0].outline().order()
                position = min((position for position, each in standing.items() if each.order() < behind), default=None)
                end = {} if position is None else {"$position": position}
                return Update({"$push": {"releases": {"$each": [new[0].to_mongo()], **end}}}, {})
            case False, 0, True if gone.isdisjoint(each.version for each in standing.values()):
                return Update({"$pull": {"releases": {"version": {"$in": sorted(gone)}}}}, {})
        return None
