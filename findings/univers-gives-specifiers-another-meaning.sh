#!/usr/bin/env bash
# univers 32.0.1 turns a specifier of PEP 440 into a range that holds other versions.
#
# By PEP 440, "==1.0" and "<=1.0" hold the local version 1.0+cpu, "<1.0" does not hold 1.0rc1, and ">1.0" does not hold
# 1.0.post1. PypiVersionRange.from_native keeps the operators and compares versions by nothing but their order. An
# advisory for "<=1.0" then misses the builds 1.0+cpu, which are affected as well.
. "$(dirname "$0")/lib/setup.bash" univers==32.0.1 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from packaging.specifiers import SpecifierSet
from univers.version_range import PypiVersionRange
from univers.versions import PypiVersion

for specifier, version in [("==1.0", "1.0+cpu"), ("<=1.0", "1.0+cpu"), ("<1.0", "1.0rc1"), (">1.0", "1.0.post1")]:
    span = PypiVersionRange.from_native(specifier)
    pip = SpecifierSet(specifier).contains(version, prereleases=True)
    print(specifier, version, "packaging", pip, span, PypiVersion(version) in span)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
==1.0 1.0+cpu packaging True vers:pypi/1.0 False
<=1.0 1.0+cpu packaging True vers:pypi/<=1.0 False
<1.0 1.0rc1 packaging False vers:pypi/<1.0 True
>1.0 1.0.post1 packaging False vers:pypi/>1.0 True
EXPECTED
