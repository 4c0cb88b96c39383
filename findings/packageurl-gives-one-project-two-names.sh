#!/usr/bin/env bash
# packageurl-python 0.17.6 and packaging 26.4 do not agree on which names mean the same project.
#
# By PEP 503 all runs of ".", "-" and "_" are one "-". packageurl-python makes a "-" of each "_" only, which is what the
# package URL specification asks for. A bill of materials that was made from kiln.core 1.0, and one from the kiln_core
# files that build tools write since PEP 625, name two projects, and only one of them by the name that the index uses.
. "$(dirname "$0")/lib/setup.bash" packageurl-python==0.17.6 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from packageurl import PackageURL
from packaging.utils import canonicalize_name

for name in ("Kiln.Core", "kiln_core", "kiln__core"):
    print(name, canonicalize_name(name), PackageURL("pypi", name=name))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
Kiln.Core kiln-core pkg:pypi/kiln.core
kiln_core kiln-core pkg:pypi/kiln-core
kiln__core kiln-core pkg:pypi/kiln--core
EXPECTED
