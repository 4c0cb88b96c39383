#!/usr/bin/env bash
# requirements-parser 0.13.1 loses the URL and the marker of "kiln @ https://...".
#
# This is the form that the specification of dependency specifiers has for direct references, and that pip freeze
# writes. The result has a name, no version and no uri, like that of a bare "kiln": who acts on it goes to the index for
# another file. For a version control URL, and for the old form with #egg=, `uri` is filled.
. "$(dirname "$0")/lib/setup.bash" requirements-parser==0.13.1

python - >"$folder/seen" <<'PYTHON'
import requirements

LINES = """\
kiln @ https://example.org/kiln-1.0-py3-none-any.whl ; python_version < "3"
kiln @ git+https://example.org/kiln.git
https://example.org/kiln-1.0.zip#egg=kiln
kiln
"""
for requirement in requirements.parse(LINES):
    held = {name: value for name, value in sorted(vars(requirement).items()) if value and name != "line"}
    print(requirement.line, held)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
kiln @ https://example.org/kiln-1.0-py3-none-any.whl ; python_version < "3" {'name': 'kiln', 'specifier': True}
kiln @ git+https://example.org/kiln.git {'name': 'kiln', 'uri': 'git+https://example.org/kiln.git', 'vcs': 'git'}
https://example.org/kiln-1.0.zip#egg=kiln {'name': 'kiln', 'uri': 'https://example.org/kiln-1.0.zip'}
kiln {'name': 'kiln', 'specifier': True}
EXPECTED
