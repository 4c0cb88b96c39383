"""Let a package list new files, which is what makes them visible: one write for any number of files."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from packaging.utils import NormalizedName

from webapp.changes import claims
from webapp.changes.changing import Act, changes, enter
from webapp.changes.stating import Known, Statement, show_latest, state
from webapp.documents import Package, Release, ReleaseFile, User
from webapp.documents.base import utc_now


class NewFile(NamedTuple):
    """A file whose bytes are stored, and what its metadata states."""

    file: ReleaseFile
    statement: Statement


class NewRelease(NamedTuple):
    """The files that appear together, of one version of a project; the ones with the best statements first."""

    name: str  # as the files spell it
    normalized_name: NormalizedName
    version: str
    files: Sequence[NewFile]
    note: str | None = None  # for the journal


def list_files(
    new: NewRelease, by: User | None, admit: Callable[[Package, bool], None], heartbeat: Callable[[], None]
) -> Package:
    """Add files to their package, or create it, and return it.

    `admit` is called with the package, and whether it is new, before it changes: it gives a new one its maintainers, or
    refuses the files by raising an exception. So may `heartbeat`. Raises NameTaken, and what `changes` raises.
    """
    for change in changes(new.normalized_name, by):
        with change:
            heartbeat()
            package = change.package
            admit(package, change.is_new)
            if change.is_new:
                package.name = new.name
            package.created_date = package.created_date or utc_now()
            *others, last = _add(package, new, "new project" if change.is_new else None)
            for act in others:
                enter(package, act, by)
            change.act = last
    return package


def _add(package: Package, new: NewRelease, first: str | None) -> list[Act]:
    """Add the files to the release, and return what was done, file by file."""
    before = package.latest.version if package.latest else None
    release = package.release_equal_to(new.version)
    first = first or ("new file" if release else "new release")
    if release is None:
        release = Release(version=new.version)
        package.releases = [*package.releases, release]
    for each in new.files:
        _add_file(release, each.file)
    package.clean()
    known: Known = {}
    for each in new.files:
        known |= state(package, release, each.statement, before)
    stated_by = (known[release.version] or {}).get("filename")
    said = next((each for each in new.files if each.file.filename == stated_by), new.files[0]).statement.said
    show_latest(package, before, said, known)
    names = [each.file.filename for each in new.files]
    return [Act("new file" if number else first, release.version, name, new.note) for number, name in enumerate(names)]


def _add_file(release: Release, file: ReleaseFile) -> None:
    """Add a file to a release; it replaces an imported record of the same bytes elsewhere."""
    if any(each.filename == file.filename and each.sha256 != file.sha256 for each in release.files):
        raise claims.NameTaken(f"File already exists with different contents: {file.filename}")
    # A yanked release stays yanked when files are added.
    file.yanked, file.yanked_reason = release.yanked, release.yanked_reason
    release.files = [each for each in release.files if each.filename != file.filename] + [file]
    release.sum_up()
