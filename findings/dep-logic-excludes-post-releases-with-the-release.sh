#!/usr/bin/env bash
# dep-logic 0.7.2 excludes 1.0.post1 with !=1.0, and 1.1.post1 with >=1.0,!=1.1,<2.
#
# By PEP 440, "!=" excludes what "==" holds, and ==1.0 does not hold 1.0.post1. dep-logic keeps "!=1.0" as the union of
# <1.0 and >1.0, and by PEP 440 >1.0 does not hold the post-releases of 1.0. So the post-release that repairs a broken
# release is excluded along with it, where pip would install it.
. "$(dirname "$0")/lib/setup.bash" dep-logic==0.7.2 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from dep_logic.specifiers import parse_version_specifier
from packaging.specifiers import SpecifierSet

asked = [("!=1.0", "1.0.post1"), (">=1.0,!=1.1,<2", "1.1.post1"), ("==1.0", "1.0.post1"), ("!=1.0", "1.1")]
for specifier, version in asked:
    ours, theirs = version in parse_version_specifier(specifier), version in SpecifierSet(specifier)
    print(specifier, version, "dep-logic", ours, "packaging", theirs)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
!=1.0 1.0.post1 dep-logic False packaging True
>=1.0,!=1.1,<2 1.1.post1 dep-logic False packaging True
==1.0 1.0.post1 dep-logic False packaging False
!=1.0 1.1 dep-logic True packaging True
EXPECTED
