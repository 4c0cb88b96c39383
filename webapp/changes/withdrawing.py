"""Yank and unyank releases, and delete files, releases and projects.

Each change is one guarded write of the package with its journal entry (`changing.py`); the bytes of deleted files are
removed afterwards (`removal.py`). Administrators of the site may do this to any project, even in quarantine.
"""

from packaging.utils import NormalizedName

from webapp.changes.changing import Act
from webapp.changes.deleting import Taken, delete, shown_version, take_all
from webapp.changes.maintaining import NotThere, project_changes
from webapp.changes.project_status import refuse_in_quarantine
from webapp.changes.staging import cancel_all
from webapp.changes.stating import restate, show_latest, with_rendered
from webapp.documents import Package, Release, User, Watcher
from webapp.documents.package import MAINTAINER

NO_RELEASE = "This release no longer exists."
NO_FILE = "This file no longer exists."


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

    delete(normalized_name, by, take, as_administrator=as_administrator)


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

    return bool(delete(normalized_name, by, take).releases_of(version))


def delete_project(normalized_name: NormalizedName, by: User, *, as_administrator: bool = False) -> None:
    """Delete a project with everything in it. The names of its files stay taken, and the journal stays.

    Its publishing sessions are cancelled. Raises NotPermitted.
    """

    def take(package: Package) -> tuple[Act, Taken]:
        if package.readers:
            _stop_watching(package.pk)
        return take_all(package)

    delete(normalized_name, by, take, as_administrator=as_administrator)
    cancel_all(normalized_name, by)


def _stop_watching(normalized_name: NormalizedName) -> None:
    """Let those who may not read a narrowed project forget it: another one of its name would not hide its news."""
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
                before = shown_version(change.package)
                releases = _releases(change.package, version)
                for each in (*releases, *(file for release in releases for file in release.files)):
                    each.yanked, each.yanked_reason = yanked, reason
                show_latest(change.package, before)
                change.act = Act("yank release" if yanked else "unyank release", version, note=reason)

    with_rendered(attempt)


def _releases(package: Package, version: str) -> list[Release]:
    found = package.releases_of(version)
    if not found:
        raise NotThere(NO_RELEASE)
    return found
