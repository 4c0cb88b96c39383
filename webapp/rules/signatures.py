"""Who signed the attestations of a file (PEP 740), verified by `pypi-attestations`, which only some sites install.

Nothing is fetched. The keys of Sigstore are read from the installed `sigstore`. Its own offline mode would copy them to
the home directory once, and then read that copy for ever, however old it is.
"""

import re
from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from webapp.rules.attestations import BadAttestations, check_statement

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from pypi_attestations import Attestation, Publisher

_KEYS = ("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
# Who vouches for a signer, in the certificates of Sigstore's authority.
_GITHUB = "https://token.actions.githubusercontent.com"
_GITLAB = "https://gitlab.com"
_CIRCLECI = "https://oidc.circleci.com"
_GOOGLE = "https://accounts.google.com"
# What else is in these certificates. Source: docs/oid-info.md of Fulcio.
_ISSUER, _SIGNER, _REPOSITORY, _REF, _CONFIG = (f"1.3.6.1.4.1.57264.1.{number}" for number in (8, 9, 12, 14, 18))
_GITHUB_WORKFLOW = re.compile(r"https://github\.com/([^/]+/[^/]+)/\.github/workflows/([^/]+)")
_GITLAB_WORKFLOW = re.compile(r"https://gitlab\.com/(.+?)//(.+)")
_CIRCLECI_PIPELINE = re.compile(r"https://circleci\.com/api/v2/projects/([^/]+)/pipeline-definitions/([^/]+)")
_MOST_SHOWN = 300


class Signer(NamedTuple):
    """Who signed the attestations of a file, as the certificate says."""

    address: str  # "https://github.com/OWNER/REPOSITORY/.github/workflows/release.yml", or an email address
    publisher: dict[str, Any]  # the same, as a provenance object has it


def is_one_of(address: str, signers: Iterable[str]) -> bool:
    """Tell whether a signer is among these: an address stands for everything below it, such as all of an owner's.

    GitHub and GitLab ignore the case of names.
    """
    address = address.lower()
    allowed = [each.lower().rstrip("/") for each in signers]
    return any(address == each or (each.startswith("https://") and address.startswith(f"{each}/")) for each in allowed)


class SignatureVerifier:
    """Verifies signatures with the keys of the public Sigstore."""

    def __init__(self) -> None:
        """Load the library and the keys, which takes 0.2 s and 31 MB. Raises ImportError if it is not installed."""
        from pypi_attestations import Attestation
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier

        self._read = Attestation.model_validate
        with resources.as_file(resources.files("sigstore._store").joinpath(*_KEYS)) as path:
            self._sigstore = Verifier(trusted_root=TrustedRoot.from_file(str(path)))

    def signer_of(self, attestations: list[dict[str, Any]], filename: str, sha256: str) -> Signer:
        """Return who signed all attestations of a file. Raises BadAttestations."""
        first, *others = [self._signer_of_one(each, filename, sha256) for each in attestations]
        if any(each != first for each in others):
            raise BadAttestations("The attestations of a file must all have the same signer.")
        return first

    def _signer_of_one(self, attestation: dict[str, Any], filename: str, sha256: str) -> Signer:
        from cryptography.x509 import InvalidVersion
        from sigstore.errors import Error as SigstoreError

        try:
            read = self._read(attestation)
            policy = _KnownSigner(read)
            _, statement = self._sigstore.verify_dsse(read.to_bundle(), policy)
        except BadAttestations:
            raise
        except (SigstoreError, ValueError, InvalidVersion) as error:
            reason = " ".join(str(error).split())[:_MOST_SHOWN]
            raise BadAttestations(f"An attestation cannot be verified: {reason}") from None
        check_statement(statement, filename, sha256)
        return policy.signer


class _KnownSigner:
    """Which signers are accepted: those that a provenance object can name.

    Sigstore asks it about a certificate that it knows to be genuine; the signature is verified afterwards.
    """

    signer: Signer

    def __init__(self, attestation: "Attestation") -> None:
        self._attestation = attestation

    def verify(self, cert: "Certificate") -> None:
        """Note who signed. Raises BadAttestations if nobody of that kind can be named."""
        address, publisher = _signer_in(self._attestation.certificate_claims, cert)
        # What the library asks of the certificate when somebody verifies the provenance that we serve.
        publisher._as_policy().verify(cert)
        self.signer = Signer(address, publisher.model_dump())


def _signer_in(claims: dict[str, str], certificate: "Certificate") -> "tuple[str, Publisher]":
    """Return the address of a signer, in the spelling of the certificate, and the same as a publisher.

    Certificates do not say in which environment of a repository a workflow ran.
    """
    from pypi_attestations import CircleCIPublisher, GitHubPublisher, GitLabPublisher, GooglePublisher

    issuer, signer = claims.get(_ISSUER), claims.get(_SIGNER, "")
    workflow = claims.get(_CONFIG, "").partition("@")[0]
    if issuer == _GITHUB and (found := _GITHUB_WORKFLOW.fullmatch(workflow)):
        return workflow, GitHubPublisher(repository=found[1], workflow=found[2])
    if issuer == _GITLAB and (found := _GITLAB_WORKFLOW.fullmatch(workflow)):
        return workflow, GitLabPublisher(repository=found[1], workflow_filepath=found[2])
    if issuer == _CIRCLECI and (found := _CIRCLECI_PIPELINE.fullmatch(signer)):
        origin, ref = claims.get(_REPOSITORY), claims.get(_REF)
        return signer, CircleCIPublisher(
            project_id=found[1], pipeline_definition_id=found[2], vcs_origin=origin, vcs_ref=ref
        )
    if issuer == _GOOGLE and (email := _email_in(certificate)):
        return email, GooglePublisher(email=email)
    raise BadAttestations(
        f"Attestations must be signed on GitHub, GitLab or CircleCI, or by a Google account, not at {issuer}."
    )


def _email_in(certificate: "Certificate") -> str | None:
    from cryptography.x509 import RFC822Name, SubjectAlternativeName

    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return next(iter(names.get_values_for_type(RFC822Name)), None)
