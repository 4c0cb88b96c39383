"""Who has to sign the new files of a project (PEP 740), as its owners chose."""

from packaging.utils import NormalizedName

from webapp.changes.changing import Act
from webapp.changes.maintaining import project_changes
from webapp.changes.project_status import refuse_in_quarantine
from webapp.documents import Package, User
from webapp.documents.package import OWNER
from webapp.rules.signatures import Signer, is_one_of


class NotSigned(RuntimeError):
    """A file does not have the attestations that its project demands."""


def set_signers(normalized_name: NormalizedName, signers: list[str], by: User) -> bool:
    """Set who has to sign new files; with an empty list nobody has to. False if that is how it was.

    Raises NotPermitted, also while the project is in quarantine.
    """
    for change in project_changes(normalized_name, OWNER, by):
        with change:
            package = change.package
            refuse_in_quarantine(package)
            if (package.signers or []) != signers:
                package.signers = signers or None
                change.act = Act("change signers", note=", ".join(signers) or None)
    return change.act is not None


def check_signed(package: Package, signer: Signer | None) -> None:
    """Raise NotSigned if a new file of this package has to be signed by somebody else, or at all."""
    if not package.signers or (signer and is_one_of(signer.address, package.signers)):
        return
    wanted = f"The project {package.pk} accepts only files with attestations that are signed by"
    wanted = f"{wanted} {' or '.join(package.signers)}"
    raise NotSigned(f"{wanted}; these are by {signer.address}." if signer else f"{wanted}; this one has none.")
