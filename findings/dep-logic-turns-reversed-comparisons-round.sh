#!/usr/bin/env bash
# dep-logic 0.7.2 turns a marker round that has its value first: for it, "3.9" < python_version is false on 3.11.
#
# The grammar of dependency specifiers allows the variable on either side, and to compare is to compare in that order.
# dep-logic always puts the variable first and keeps the operator, so "<" means ">" and a dependency for new versions of
# Python goes to the old ones. packaging, which pip uses, and distlib read what is written.
. "$(dirname "$0")/lib/setup.bash" dep-logic==0.7.2 packaging==26.4 distlib==0.4.4

python - >"$folder/seen" <<'PYTHON'
from dep_logic.markers import parse_marker
from distlib.markers import interpret
from packaging.markers import Marker

markers = ('"3.9" < python_version', 'python_version > "3.9"', '"3.12" > python_version', '"3.9" >= python_version')
for marker in markers:
    python = {"python_version": "3.11"}
    print(marker, "dep-logic", parse_marker(marker).evaluate(python), "packaging", Marker(marker).evaluate(python),
          "distlib", interpret(marker, python))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
"3.9" < python_version dep-logic False packaging True distlib True
python_version > "3.9" dep-logic True packaging True distlib True
"3.12" > python_version dep-logic False packaging True distlib True
"3.9" >= python_version dep-logic True packaging False distlib False
EXPECTED
