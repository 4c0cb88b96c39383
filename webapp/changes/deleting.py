"""Delete files of a project, or all of it: one guarded write, and what has to happen before and after."""

from collections.abc import Callable
from contextlib import suppress

from packaging.utils import NormalizedName

from webapp.changes import removal
from webapp.changes.changing import Act
from webapp.changes.maintaining import NotPermitted, NotThere, project_changes
from webapp.changes.owners import is_abandoned
from webapp.changes.project_status import refuse_in_quarantine
from webapp.changes.stating import DESCRIPTION, forget_unlisted, show_latest, with_rendered
from webapp.documents import Package, ReleaseFile, User
from webapp.documents.journal import REMOVE_PROJECT
from webapp.documents.package import OWNER
from webapp.documents.release_facts import STATED

# The files that a change deletes, with their versions.
Taken = list[tuple[str, ReleaseFile]]


def delete(
    normalized_name: NormalizedName,
    by: User,
    take: Callable[[Package], tuple[Act, Taken]],
    *,
    as_administrator: bool = False,
) -> Package:
    """Delete what `take` removes from the package and returns. Raises NotPermitted, and what `take` raises."""
    names: list[str] = []

    def attempt() -> Package:
        for change in project_changes(normalized_name, None if as_administrator else OWNER, by):
            with change:
                if not as_administrator:
                    refuse_in_quarantine(change.package)
                before = shown_version(change.package)
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


def take_all(package: Package) -> tuple[Act, Taken]:
    """Empty a package, and return its files.

    The document is deleted once its entry is in the journal, which a kill can delay; until then it must look empty.
    """
    gone = [(release.version, file) for release in package.all_releases() for file in release.files]
    package.releases, package.invitations = [], None
    for field in (*STATED, *DESCRIPTION, "legacy"):
        setattr(package, field, None)  # which sets its default
    return Act(REMOVE_PROJECT), gone


def delete_if_abandoned(package: Package) -> bool:
    """Delete a project that was just created if the account or team that owns it was deleted at this moment.

    The deletion marks the account or team before it looks for projects, and this looks for the mark after the project
    is there. So at least one of them notices the other.
    """
    if not is_abandoned(package):
        return False

    def take(package: Package) -> tuple[Act, Taken]:
        if not is_abandoned(package):
            raise NotThere("An administrator has just given it to somebody else.")
        return take_all(package)

    creator = next(iter(package.maintainers), None)
    with suppress(NotThere, NotPermitted):  # NotPermitted if it is gone already
        delete(
            package.pk, User(id=creator and creator.user_id, name=creator and creator.name), take, as_administrator=True
        )
    return True


def shown_version(package: Package) -> str | None:
    """Return the version that the package shows."""
    return package.latest.version if package.latest else None
