"""Yank and unyank releases, and delete files, releases and projects.

Each change is one guarded write of the package with its journal entry (`changing.py`); the bytes of deleted files are
removed afterwards (`removal.py`). Administrators of the site may do this to any project, even in quarantine.
"""

from collections.abc import Callable

from packaging.utils import NormalizedName

from webapp.changes import removal
from webapp.changes.changing import Act
from webapp.changes.maintaining import NotThere, project_changes
from webapp.changes.project_status import refuse_in_quarantine
from webapp.changes.staging import cancel_all
from webapp.changes.stating import DESCRIPTION, forget_unlisted, restate, show_latest, with_rendered
from webapp.documents import Package, Release, ReleaseFile, User, Watcher
from webapp.documents.journal import REMOVE_PROJECT
from webapp.documents.package import MAINTAINER, OWNER
from webapp.documents.release_facts import STATED

NO_RELEASE = "This release no longer exists."
NO_FILE = "This file no longer exists."

# The files that a change deletes, with their versions.
Taken = list[tuple[str, ReleaseFile]]
# What the metadata of files states about their project, including the rendered description; None if unknown.


def yank(
    normalized_name: NormalizedName, version: str, reason: str, by: User, *, as_administrator: bool = False
) -> None:
    """Yank a release, so that installers skip it unless asked for it exactly. Raises NotPermitted, NotThere."""
    _set_yanked(normalized_name, version, reason, by, as_administrator=as_administrator)


def unyank(normalized_name: NormalizedName, version: str, by: User) -> None:
    """Undo a yank, for all files of the release. Raises NotPermitted, NotThere."""
    _set_yanked(normalized_name, version, None, by)


def delete_release(normalized_name: NormalizedName, version: str, by: User, *, as_administrator: bool = False) -> None:
    """Delete a release and its files, whose names stay taken. Raises NotPermitted, NotThere."""

    def take(package: Package) -> tuple[Act, Taken]:
        gone = _releases(package, version)
        package.releases = [each for each in package.releases if each.version != version]
        return Act("remove release", version), [(version, file) for each in gone for file in each.files]

    _delete(normalized_name, by, take, as_administrator=as_administrator)


def delete_file(normalized_name: NormalizedName, version: str, filename: str, by: User) -> bool:
    """Delete a file, whose name stays taken. False if it was the last one, so that its release was deleted too.

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
        for release in package.releases_of(version):
            restate(package, release, filename)
        return Act("remove file", version, filename), [(version, file) for file in gone]

    return bool(_delete(normalized_name, by, take).releases_of(version))


def delete_project(normalized_name: NormalizedName, by: User, *, as_administrator: bool = False) -> None:
    """Delete a project with everything in it. The names of its files stay taken, and the journal stays.

    Its publishing sessions are cancelled. Raises NotPermitted.
    """

    def take(package: Package) -> tuple[Act, Taken]:
        gone = [(release.version, file) for release in package.all_releases() for file in release.files]
        # The document is deleted once its entry is in the journal, which a kill can delay; until then it must look
        # empty.
        package.releases, package.invitations = [], None
        for field in (*STATED, *DESCRIPTION, "legacy"):
            setattr(package, field, None)  # which sets its default
        return Act(REMOVE_PROJECT), gone

    _stop_watching(normalized_name)
    _delete(normalized_name, by, take, as_administrator=as_administrator)
    cancel_all(normalized_name, by)


def _stop_watching(normalized_name: NormalizedName) -> None:
    """Let those who may not read a narrowed project forget it: once it is gone, nothing hides its news from them."""
    if not Package.objects(pk=normalized_name).narrowed().count_up_to(1):
        return
    for watcher in Watcher.objects.of([normalized_name]).only("projects").plain():
        user = User.objects(pk=watcher["user_id"]).declared_first()
        if user and not user.is_admin and normalized_name in Package.objects.hidden_from(user.id, user.team_names):
            Watcher.objects.stop(user.id, normalized_name)


def _set_yanked(
    normalized_name: NormalizedName, version: str, reason: str | None, by: User, *, as_administrator: bool = False
) -> None:
    yanked = reason is not None

    def attempt() -> None:
        for change in project_changes(normalized_name, None if as_administrator else MAINTAINER, by):
            with change:
                if not as_administrator:
                    refuse_in_quarantine(change.package)
                before = _shown_version(change.package)
                releases = _releases(change.package, version)
                for each in (*releases, *(file for release in releases for file in release.files)):
                    each.yanked, each.yanked_reason = yanked, reason
                show_latest(change.package, before)
                change.act = Act("yank release" if yanked else "unyank release", version, note=reason)

    with_rendered(attempt)


def _delete(
    normalized_name: NormalizedName,
    by: User,
    take: Callable[[Package], tuple[Act, Taken]],
    *,
    as_administrator: bool = False,
) -> Package:
    """Delete what `take` removes from the package and returns."""
    names: list[str] = []

    def attempt() -> Package:
        for change in project_changes(normalized_name, None if as_administrator else OWNER, by):
            with change:
                if not as_administrator:
                    refuse_in_quarantine(change.package)
                before = _shown_version(change.package)
                act, taken = take(change.package)
                removal.mark(change.package.pk, taken)
                names.extend(file.filename for _, file in taken)
                show_latest(change.package, before)
                change.act = act
        forget_unlisted(change.package, {version for version, _ in taken})
        return change.package

    try:
        return with_rendered(attempt)
    finally:
        if names:
            removal.settle(normalized_name, names)


def _shown_version(package: Package) -> str | None:
    return package.latest.version if package.latest else None


def _releases(package: Package, version: str) -> list[Release]:
    found = package.releases_of(version)
    if not found:
        raise NotThere(NO_RELEASE)
    return found
