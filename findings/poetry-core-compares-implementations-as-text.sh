#!/usr/bin/env bash
# poetry-core 2.5.0 compares implementation_version as text: 7.3.17 is not at least 7.3.9, and 3.11 not at least 3.9.
#
# The specification of dependency specifiers gives this variable the type Version, to be compared by PEP 440. So a
# dependency for PyPy from 7.3.9 on is installed by pip and left out by whoever asks poetry-core. For python_version and
# python_full_version it does compare versions.
. "$(dirname "$0")/lib/setup.bash" poetry-core==2.5.0 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from packaging.markers import Marker
from poetry.core.version.markers import parse_marker

asked = [('>= "7.3.9"', "7.3.17"), ('>= "3.9"', "3.11.7"), ('== "3.11.*"', "3.11.7"), ('== "7.3"', "7.3.0")]
for comparison, version in asked:
    for variable in ("implementation_version", "python_full_version"):
        marker, machine = f"{variable} {comparison}", {variable: version}
        ours, theirs = parse_marker(marker).validate(machine), Marker(marker).evaluate(machine)
        print(marker, version, "poetry-core", ours, "packaging", theirs)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
implementation_version >= "7.3.9" 7.3.17 poetry-core False packaging True
python_full_version >= "7.3.9" 7.3.17 poetry-core True packaging True
implementation_version >= "3.9" 3.11.7 poetry-core False packaging True
python_full_version >= "3.9" 3.11.7 poetry-core True packaging True
implementation_version == "3.11.*" 3.11.7 poetry-core False packaging True
python_full_version == "3.11.*" 3.11.7 poetry-core True packaging True
implementation_version == "7.3" 7.3.0 poetry-core False packaging True
python_full_version == "7.3" 7.3.0 poetry-core True packaging True
EXPECTED
