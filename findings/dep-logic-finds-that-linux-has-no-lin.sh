#!/usr/bin/env bash
# dep-logic 0.7.2 makes a marker that is never true of one that asks for a platform and for a part of its name.
#
# In a dependency specifier "lin" in sys_platform asks for a part of the text. When dep-logic joins it with
# sys_platform == "linux" by "and", it takes the part for a list of values, finds "linux" not in it, and the result is
# <empty>: false on each machine, and no marker any more for those who parse it. Either half alone it reads well.
. "$(dirname "$0")/lib/setup.bash" dep-logic==0.7.2 packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from dep_logic.markers import parse_marker
from packaging.markers import Marker

half, other = 'sys_platform == "linux"', '"lin" in sys_platform'
for marker in (half, other, f"{half} and {other}", f"{other} and {half}"):
    machine, read = {"sys_platform": "linux"}, parse_marker(marker)
    print(marker, "| dep-logic", read, read.evaluate(machine), "| packaging", Marker(marker).evaluate(machine))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
sys_platform == "linux" | dep-logic sys_platform == "linux" True | packaging True
"lin" in sys_platform | dep-logic "lin" in sys_platform True | packaging True
sys_platform == "linux" and "lin" in sys_platform | dep-logic <empty> False | packaging True
"lin" in sys_platform and sys_platform == "linux" | dep-logic <empty> False | packaging True
EXPECTED
