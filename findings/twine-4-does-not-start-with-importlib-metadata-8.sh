#!/usr/bin/env bash
# twine 4.0.2 with importlib-metadata 10.2.0: every command ends in "KeyError: 'license'".
#
# twine reads its own metadata when it is imported, License among it, which its distribution does not have.
# importlib-metadata below 8 answered None for a field that is not there. twine 4 sets no upper bound, so a fresh
# installation of it cannot even print its version.
. "$(dirname "$0")/lib/setup.bash" twine==4.0.2 importlib-metadata==10.2.0

"$folder/venv/bin/twine" --version 2>&1 | tail -1 >"$folder/seen" || true
"$folder/venv/bin/pip" install -q --disable-pip-version-check importlib-metadata==7.2.1
"$folder/venv/bin/twine" --version 2>&1 | head -1 | cut -d' ' -f1-3 >>"$folder/seen"

diff "$folder/seen" - <<'EXPECTED'
KeyError: 'license'
twine version 4.0.2
EXPECTED
