"""What is taken back of a project: releases yanked and unyanked, files, releases and the project itself deleted.

Each is one guarded write of the package with its entry in the journal (`changes/changing.py`); the bytes of deleted
files go afterwards (`files/removal.py`).
"""

from collections.abc import Callable
from typing import TypeVar

from webapp.changes import removal
from webapp.changes.changing import REMOVE_PROJECT, Act
from webapp.changes.core_metadata import FIELDS, package_from_metadata
from webapp.changes.maintaining import NotThere, project_changes
from webapp.changes.pypi_json import RENDERED, render_into
from webapp.changes.uploads import describe
from webapp.documents import Package, Release, ReleaseFile, StoredFile, User
from webapp.documents.package import MAINTAINER, OWNER, is_own
from webapp.rules.distributions import WHEEL

NO_RELEASE = "There is no such release any more."
NO_FILE = "There is no such file any more."

# The files that a change takes away, each with its version.
Taken = list[tuple[str, ReleaseFile]]
# What the metadata of files say of their project, the rendered description included; None where nothing is known.
Described = dict[str, Package | None]
T = TypeVar("T")


class _NotDescribed(Exception):
    """A change needs to know what a file's metadata say."""


def yank(normalized_name: str, version: str, reason: str, by: User) -> None:
    """Let installers pass a release over that nobody asks for exactly (PEP 592). Raises NotPermitted, NotThere."""
    _set_yanked(normalized_name, version, reason, by)


def unyank(normalized_name: str, version: str, by: User) -> None:
    """Offer a yanked release again, with all its files. Raises NotPermitted, NotThere."""
    _set_yanked(normalized_name, version, None, by)


def delete_release(normalized_name: str, version: str, by: User) -> None:
    """Delete a release and its files, whose names stay taken. Raises NotPermitted, NotThere."""

    def take(package: Package) -> tuple[Act, Taken]:
        gone = _releases(package, version)
        package.releases = [each for each in package.releases if each.version != version]
        return Act("remove release", version), [(version, file) for each in gone for file in each.files]

    _delete(normalized_name, by, take)


def delete_file(normalized_name: str, version: str, filename: str, by: User) -> bool:
    """Delete a file, whose name stays taken; its release goes with its last file. False when it did.

    Raises NotPermitted, NotThere.
    """

    def take(package: Package) -> tuple[Act, Taken]:
        gone = []
        for release in _releases(package, version):
            mine = [file for file in release.files if file.filename == filename]
            if mine:
                gone += mine
                release.files = [file for file in release.files if file.filename != filename]
                release.sum_up()
        if not gone:
            raise NotThere(NO_FILE)
        package.releases = [each for each in package.releases if each.version != version or each.files]
        return Act("remove file", version, filename), [(version, file) for file in gone]

    return bool(_delete(normalized_name, by, take).releases_of(version))


def delete_project(normalized_name: str, by: User) -> None:
    """Delete a project with all that is in it. The names of its files stay taken, and the journal stays.

    Raises NotPermitted.
    """

    def take(package: Package) -> tuple[Act, Taken]:
        gone = [(release.version, file) for release in package.all_releases() for file in release.files]
        # It goes when its entry is in the journal; until then, which a kill can make long, nothing of it is to be seen.
        package.releases, package.invitations = [], None
        for field in (*FIELDS, *RENDERED, "docs_url", "bugtrack_url", "package_url", "legacy"):
            if field != "name":
                setattr(package, field, None)  # which sets its default
        return Act(REMOVE_PROJECT), gone

    _delete(normalized_name, by, take)


def _set_yanked(normalized_name: str, version: str, reason: str | None, by: User) -> None:
    yanked = reason is not None

    def attempt(described: Described) -> None:
        for change in project_changes(normalized_name, MAINTAINER, by):
            with change:
                releases = _releases(change.package, version)
                for each in (*releases, *(file for release in releases for file in release.files)):
                    each.yanked, each.yanked_reason = yanked, reason
                _follow_latest(change.package, described)
                change.act = Act("yank release" if yanked else "unyank release", version, note=reason)

    _describing(attempt)


def _delete(normalized_name: str, by: User, take: Callable[[Package], tuple[Act, Taken]]) -> Package:
    """Delete what `take` takes out of the package and names."""
    names: list[str] = []

    def attempt(described: Described) -> Package:
        for change in project_changes(normalized_name, OWNER, by):
            with change:
                act, taken = take(change.package)
                _follow_latest(change.package, described)
                removal.mark(change.package.pk, taken)
                names.extend(file.filename for _, file in taken)
                change.act = act
        return change.package

    try:
        return _describing(attempt)
    finally:
        if names:
            removal.settle(normalized_name, names)


def _describing(attempt: Callable[[Described], T]) -> T:
    """Make a change after which another release may be the latest.

    Rendering its description may take long, and other changes of the project wait for this one. So a change that needs
    one ends, and is made again when it is there.
    """
    described: Described = {}
    while True:
        try:
            return attempt(described)
        except _NotDescribed as missing:
            filename = str(missing)
        described[filename] = _described(filename)


def _releases(package: Package, version: str) -> list[Release]:
    found = package.releases_of(version)
    if not found:
        raise NotThere(NO_RELEASE)
    return found


def _follow_latest(package: Package, described: Described) -> None:
    """Let a package say of itself what its latest release says, when that has become another one.

    Of a release whose files are elsewhere nothing is known; then the words of the former one stay. Raises _NotDescribed
    with the name of a file.
    """
    before = package.latest.version if package.latest else None
    package.clean()
    if package.latest is None or package.latest.version == before:
        return
    own = [file for file in package.releases_of(package.latest.version)[0].files if is_own(file.url)]
    # A wheel first: an sdist's metadata may say less.
    own.sort(key=lambda file: file.packagetype != WHEEL)
    for filename in [file.filename for file in own[:1]]:
        if filename not in described:
            raise _NotDescribed(filename)
        says = described[filename]
        if says and says.normalized_name == package.pk:
            describe(package, says)


def _described(filename: str) -> Package | None:
    kept = StoredFile.objects(pk=filename).only("metadata").plain_first()
    if not kept or not kept.get("metadata"):
        return None
    package = package_from_metadata(kept["metadata"])
    render_into(package)
    return package
