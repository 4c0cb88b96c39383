#!/usr/bin/env bash
# distlib 0.4.4 finds that python_full_version == "3.11.*" is false on 3.11.7.
#
# The specification of dependency specifiers compares versions by PEP 440, where ".*" matches a prefix; distlib's own
# matcher for specifiers does so. In a marker no version equals "3.11.*" for it, so != is true of all of them. It also
# compares an extra as it is spelled, though PEP 685 has the names of extras compared normalized.
. "$(dirname "$0")/lib/setup.bash" distlib==0.4.4 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from distlib.markers import interpret
from distlib.version import NormalizedMatcher
from packaging.markers import Marker

print("matcher", NormalizedMatcher("python (== 3.11.*)").match("3.11.7"))
for marker in ('python_full_version == "3.11.*"', 'python_full_version != "3.11.*"', 'extra == "Slow_Fire"'):
    machine = {"python_full_version": "3.11.7", "extra": "slow-fire"}
    print(marker, "distlib", interpret(marker, machine), "packaging", Marker(marker).evaluate(machine))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
matcher True
python_full_version == "3.11.*" distlib False packaging True
python_full_version != "3.11.*" distlib True packaging False
extra == "Slow_Fire" distlib False packaging True
EXPECTED
