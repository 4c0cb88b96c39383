#!/usr/bin/env bash
# dep-logic 0.7.2 takes the epoch in ~=1!1.0 and ==1!1.* for a number and raises ValueError.
#
# PEP 440 allows an epoch before each version, also in those two specifiers, and dep-logic reads >=1!1.0 well. It has an
# error for what is no specifier, InvalidSpecifier, and answers !=1.0+cpu, which PEP 440 allows too, with that one. So a
# project that had to start its versions anew cannot be asked for in this way by anybody whose tools use dep-logic.
. "$(dirname "$0")/lib/setup.bash" dep-logic==0.7.2 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from dep_logic.specifiers import parse_version_specifier
from packaging.specifiers import SpecifierSet

for specifier, version in [(">=1!1.0", "1!1.5"), ("~=1!1.0", "1!1.5"), ("==1!1.*", "1!1.5"), ("!=1.0+cpu", "1.0")]:
    try:
        ours = version in parse_version_specifier(specifier)
    except ValueError as error:
        ours = type(error).__name__
    print(specifier, version, "dep-logic", ours, "packaging", version in SpecifierSet(specifier))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
>=1!1.0 1!1.5 dep-logic True packaging True
~=1!1.0 1!1.5 dep-logic ValueError packaging True
==1!1.* 1!1.5 dep-logic ValueError packaging True
!=1.0+cpu 1.0 dep-logic InvalidSpecifier packaging True
EXPECTED
