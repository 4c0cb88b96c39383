"""Files that were really published, with their attestations; README.md says where they come from."""

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

GITHUB = "pypi_attestations-0.0.19.tar.gz"
GITLAB = "gitlab_oidc_project-0.0.3.tar.gz"
CIRCLECI = "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl"
GOOGLE = "gcb_attestation_test-0.0.0.tar.gz"
STAGING = "rfc8785-0.1.2-py3-none-any.whl"

# Who signed each, as its certificate says.
SIGNERS = {
    GITHUB: "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml",
    GITLAB: "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml",
    CIRCLECI: "https://circleci.com/api/v2/projects/fdd9283f-e619-46af-8f9c-851f7d3e8b2b"
    "/pipeline-definitions/8e4f8ab2-8d7c-4827-9f15-de076d6d647f",
    GOOGLE: "919436158236-compute@developer.gserviceaccount.com",
}


def content(filename: str) -> bytes:
    """The bytes of a file."""
    return (FOLDER / filename).read_bytes()


def sha256(filename: str) -> str:
    """The digest of a file."""
    return hashlib.sha256(content(filename)).hexdigest()


def attestations(filename: str) -> list[dict[str, Any]]:
    """The attestations of a file, as they are sent with it."""
    provenance = FOLDER / f"{filename}.provenance"
    if provenance.exists():
        [bundle] = json.loads(provenance.read_text())["attestation_bundles"]
        return list(bundle["attestations"])
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{filename}.*.attestation"))]
