#!/usr/bin/env bash
# poetry-core 2.5.0 refuses a marker that has the value before the variable, unless the operator is "in".
#
# The grammar of dependency specifiers allows both orders. Such markers are in the metadata of files on indexes, and pip
# installs those; poetry-core raises InvalidMarkerError for the whole requirement. hatchling builds a project with such
# a dependency.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 packaging==26.4 hatchling==1.33.0

python - >"$folder/seen" <<'PYTHON'
from backends import fields
from packaging.requirements import Requirement
from poetry.core.packages.dependency import Dependency

for marker in ("'linux' == sys_platform", "'3.8' <= python_version", "'lin' in sys_platform"):
    requirement = f"oven ; {marker}"
    try:
        Dependency.create_from_pep_508(requirement)
        ours = "read"
    except ValueError as error:
        ours = type(error).__name__
    print(marker, "poetry-core", ours, "packaging", Requirement(requirement).marker)
    for backend in ("poetry.core.masonry.api", "hatchling.build"):
        print(backend, *fields(backend, f'dependencies = ["{requirement}"]', "Requires-Dist"))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
'linux' == sys_platform poetry-core InvalidMarkerError packaging "linux" == sys_platform
poetry.core.masonry.api refused
hatchling.build Requires-Dist: oven; 'linux' == sys_platform
'3.8' <= python_version poetry-core InvalidMarkerError packaging "3.8" <= python_version
poetry.core.masonry.api refused
hatchling.build Requires-Dist: oven; '3.8' <= python_version
'lin' in sys_platform poetry-core read packaging "lin" in sys_platform
poetry.core.masonry.api Requires-Dist: oven ; "lin" in sys_platform
hatchling.build Requires-Dist: oven; 'lin' in sys_platform
EXPECTED
