#!/usr/bin/env bash
# shippinglabel 2.3.0 combines requirements to one that allows versions which they exclude.
#
# By PEP 440 a version must match all clauses that commas separate. resolve_specifiers, which is to drop those that
# others imply, compares the versions as texts: 1.9 is more than 1.10, so it drops >=1.10 beside >1.9. It takes a final
# release for older than its own alpha, and forgets the epoch. combine_requirements keeps the extras that both have,
# none here, so it drops dependencies as well.
. "$(dirname "$0")/lib/setup.bash" shippinglabel==2.3.0 packaging==26.4 dist-meta==0.9.0

python - >"$folder/seen" <<'PYTHON'
from packaging.requirements import Requirement
from shippinglabel.requirements import combine_requirements

for pair, version in (
    (["kiln>1.9", "kiln>=1.10"], "1.9.1"),
    (["kiln<=1.9", "kiln<1.10"], "1.9.1"),
    (["kiln>=1.0", "kiln>=1.0a1"], "1.0a1"),
    (["kiln>=1!1.0", "kiln>=2.0"], "3.0"),
    (["kiln[gas]", "kiln[wood]"], "1.0"),
):
    (combined,) = combine_requirements(pair)
    allowed = [Requirement(str(each)).specifier.contains(version, prereleases=True) for each in (*pair, combined)]
    print(*pair, "->", combined, version, *allowed)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln>1.9 kiln>=1.10 -> kiln>1.9 1.9.1 True False True
kiln<=1.9 kiln<1.10 -> kiln<1.10 1.9.1 False True True
kiln>=1.0 kiln>=1.0a1 -> kiln>=1.0a1 1.0a1 False True True
kiln>=1!1.0 kiln>=2.0 -> kiln>=2.0 3.0 False True True
kiln[gas] kiln[wood] -> kiln 1.0 True True True
EXPECTED
