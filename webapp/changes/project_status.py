"""Set the status of a project (PEP 792): by its owners, and by administrators who quarantine it."""

from packaging.utils import NormalizedName

from webapp.changes.changing import Act, changes
from webapp.changes.maintaining import NotPermitted, project_changes
from webapp.documents import Package, ProjectStatus, User
from webapp.documents.base import utc_now
from webapp.documents.package import OWNER
from webapp.documents.project_status import ACTIVE, ARCHIVED, QUARANTINED, reason_of

IN_QUARANTINE = "An administrator has quarantined this project, so nothing in it can be changed until that ends."


class ProjectClosed(RuntimeError):
    """The project accepts no new files. The message says why, on one line."""


def set_status(normalized_name: NormalizedName, status: ProjectStatus | None, by: User) -> bool:
    """Set the status that an owner chose, None for active; False if it is already set.

    Raises NotPermitted, also while the project is in quarantine.
    """
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            refuse_in_quarantine(package)
            if _said(status) != _said(package.status):
                package.status = status and _dated(status)
                change.act = Act(f"mark {status.marker if status else ACTIVE}", note=_reason(status))
    return change.act is not None


def quarantine(normalized_name: NormalizedName, reason: str, by: User) -> bool:
    """Quarantine a project; False if there is none, or if it is already in quarantine."""
    for change in changes(normalized_name, by):
        with change:
            package = change.package
            if not change.is_new and not is_in_quarantine(package):
                package.status_before_quarantine = package.status
                package.status = _dated(ProjectStatus(marker=QUARANTINED, reason=reason))
                change.act = Act(f"mark {QUARANTINED}", note=reason)
    return change.act is not None


def end_quarantine(normalized_name: NormalizedName, by: User) -> bool:
    """End the quarantine and restore the status that the owners had set; False if it is not in quarantine."""
    for change in changes(normalized_name, by):
        with change:
            package = change.package
            if is_in_quarantine(package):
                package.status, package.status_before_quarantine = package.status_before_quarantine, None
                change.act = Act("end quarantine")
    return change.act is not None


def is_in_quarantine(package: Package) -> bool:
    """Tell whether a package is in quarantine."""
    return bool(package.status and package.status.marker == QUARANTINED)


def refuse_in_quarantine(package: Package) -> None:
    """Raise NotPermitted while a package is in quarantine, because it must stay as it is during the investigation."""
    if is_in_quarantine(package):
        raise NotPermitted(IN_QUARANTINE)


def check_open(package: Package) -> None:
    """Raise ProjectClosed, with the reason, if a package accepts no new files (PEP 792)."""
    if is_in_quarantine(package):
        raise ProjectClosed(_sentence(f"The project {package.pk} is quarantined", package.status))
    if package.status and package.status.marker == ARCHIVED:
        said = _sentence(f"The project {package.pk} is archived and accepts no new files", package.status)
        raise ProjectClosed(f"{said} An owner can make it active again in its settings.")


def _sentence(what: str, status: ProjectStatus) -> str:
    reason = _reason(status)
    return f"{what}: {reason}{'' if reason.endswith(('.', '!', '?')) else '.'}" if reason else f"{what}."


def _reason(status: ProjectStatus | None) -> str | None:
    return reason_of({"status": status.to_mongo()}) or None if status else None


def _said(status: ProjectStatus | None) -> tuple[str | None, str | None, str | None]:
    return (status.marker, status.reason, status.successor) if status else (None, None, None)


def _dated(status: ProjectStatus) -> ProjectStatus:
    status.since = utc_now()
    return status
