#!/usr/bin/env bash
# validate-pyproject 0.27 refuses a dependency group that includes another one by a different spelling of its name.
#
# PEP 735 has the names of groups compared normalized, as the names of projects are. dependency-groups, a library for
# that PEP, resolves the group, and so do pip and uv. A check that runs validate-pyproject fails for a file that all of
# them can use.
. "$(dirname "$0")/lib/setup.bash" validate-pyproject==0.27 packaging==26.4 dependency-groups==1.3.2

python - >"$folder/seen" <<'PYTHON'
from dependency_groups import resolve
from validate_pyproject.api import Validator
from validate_pyproject.errors import ValidationError

for name in ("test-group", "Test_Group"):
    groups = {"dev": ["oven", {"include-group": name}], "test-group": ["kiln"]}
    try:
        Validator()({"dependency-groups": groups})
        said = "valid"
    except ValidationError as error:
        said = error.summary
    print(name, "| validate-pyproject:", said, "| dependency-groups:", *resolve(groups, "dev"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
test-group | validate-pyproject: valid | dependency-groups: oven kiln
Test_Group | validate-pyproject: The included dependency group Test_Group doesn't exist | dependency-groups: oven kiln
EXPECTED
