#!/usr/bin/env bash
# distlib 0.4.4 finds that 1.0.1 is not greater than 1.0, and that 1.0 is not less than 1.0.post1.
#
# By PEP 440, ">1.0" excludes only 1.0, its post-releases and its local versions, and "<1.0" its pre-releases. distlib
# excludes from both all versions whose text begins with the same numbers, and 1.0.1 is one of them; but for "<1.0" it
# admits 1.0rc1. A resolver that uses distlib.version goes to other versions than pip, or to none.
. "$(dirname "$0")/lib/setup.bash" distlib==0.4.4 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from distlib.version import NormalizedMatcher
from packaging.specifiers import SpecifierSet

for specifier, version in [(">1.0", "1.0.1"), (">1.0.post1", "1.0.1"), ("<1.0.post1", "1.0"), ("<1.0", "1.0rc1")]:
    ours = NormalizedMatcher(f"kiln ({specifier})").match(version)
    print(specifier, version, "distlib", ours, "packaging", SpecifierSet(specifier).contains(version, prereleases=True))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
>1.0 1.0.1 distlib False packaging True
>1.0.post1 1.0.1 distlib False packaging True
<1.0.post1 1.0 distlib False packaging True
<1.0 1.0rc1 distlib True packaging False
EXPECTED
