#!/usr/bin/env bash
# pypi-attestations 0.0.30 refuses a whole provenance object for one publisher of a kind that it does not know.
#
# PEP 740 leaves the kinds of publishers to the index: "kind" is any string, and the other keys depend on it, as in the
# example there with its "important-ci-service". Provenance knows four kinds. Of an object with another one, it does not
# give even the bundles of the publishers it knows.
. "$(dirname "$0")/lib/setup.bash" pypi-attestations==0.0.30

python - >"$folder/seen" <<'PYTHON'
import json

import pydantic
from pypi_attestations import Provenance

github = {"kind": "GitHub", "claims": {}, "repository": "example/kiln", "workflow": "release.yml"}
other = {"kind": "important-ci-service", "claims": {}, "vendor-property": "foo", "another-property": 123}
for publishers in ([github], [github, other]):
    bundles = [{"publisher": publisher, "attestations": []} for publisher in publishers]
    try:
        read = Provenance.model_validate_json(json.dumps({"version": 1, "attestation_bundles": bundles}))
    except pydantic.ValidationError as error:
        print(*error.errors()[0]["msg"].split(" does not match "), sep="\n")
    else:
        print(*[bundle.publisher.kind for bundle in read.attestation_bundles])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
GitHub
Input tag 'important-ci-service' found using 'kind'
any of the expected tags: 'GitHub', 'GitLab', 'Google', 'CircleCI'
EXPECTED
