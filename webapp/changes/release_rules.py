"""How a project is released, as its owners chose: by any upload, through publishing sessions, or by two people."""

from packaging.utils import NormalizedName

from webapp.changes.changing import Act
from webapp.changes.maintaining import project_changes
from webapp.changes.owners import others_maintain
from webapp.changes.project_status import refuse_in_quarantine
from webapp.documents import Package, PublishingSession, User
from webapp.documents.package import OWNER, REVIEWED, SESSIONS

# What the journal calls a change.
_ACTS = {None: "accept direct uploads", SESSIONS: "demand sessions", REVIEWED: "demand review"}


class OnlySessions(RuntimeError):
    """The project takes new files through publishing sessions only."""


class NotReviewed(RuntimeError):
    """Another owner has to publish the session."""


class Impossible(RuntimeError):
    """With this rule nobody could publish a release. The message says why."""


def set_rule(normalized_name: NormalizedName, rule: str | None, by: User) -> bool:
    """Set how a project is released, None for any upload; False if that is how it was.

    Raises NotPermitted, also while the project is in quarantine, and Impossible.
    """
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            refuse_in_quarantine(package)
            if package.release_rule != rule:
                _check_possible(package, rule, by)
                package.release_rule = rule
                change.act = Act(_ACTS[rule])
    return change.act is not None


def check_direct(package: Package) -> None:
    """Raise OnlySessions if a file that is uploaded directly cannot be published."""
    if package.release_rule:
        raise OnlySessions(
            f"The project {package.pk} takes new files through publishing sessions only. "
            "Open one on its page in /manage/, under Sessions, and upload to the address shown there."
        )


def check_reviewed(package: Package, session: PublishingSession, by: User) -> None:
    """Raise NotReviewed, with the reason, if somebody else has to publish a session."""
    if package.release_rule != REVIEWED:
        return
    wanted = f"The project {package.pk} requires sessions to be published by an owner who uploaded none of the files"
    if package.role_of(by.id, by.team_names) != OWNER:
        raise NotReviewed(f"{wanted}; {by.shown_name} is not an owner.")
    if any(by.id in (each.uploaded_by, *(each.senders or ())) for each in session.files):
        raise NotReviewed(f"{wanted}; {by.shown_name} uploaded some of them.")


def _check_possible(package: Package, rule: str | None, by: User) -> None:
    if rule and package.only_publishers:
        raise Impossible(
            "The project accepts new files from trusted publishers only, and they have no sessions. "
            "Accept API tokens too first."
        )
    if rule == REVIEWED and not others_maintain(package, by.id):
        raise Impossible(
            "Nobody else maintains this project, so nobody could publish what you upload. Invite another owner first."
        )
