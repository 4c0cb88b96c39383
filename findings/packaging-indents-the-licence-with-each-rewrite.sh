#!/usr/bin/env bash
# packaging 26.4 moves the lines of a licence text further right each time that it reads and writes metadata.
#
# Metadata.as_rfc822 indents the lines after the first, as a header needs it, and parse_email keeps the indent in
# the text. So what is read is not what was written: each rewrite adds nine spaces, also to empty lines. Tools that
# change one field of a wheel change its licence too, and those that compare metadata find a difference.
. "$(dirname "$0")/lib/setup.bash" packaging==26.4

python - >"$folder/seen" <<'PYTHON'
from packaging.metadata import Metadata, parse_email

raw = {"metadata_version": "2.1", "name": "kiln", "version": "1.0", "license": "Use it.\n\nAt your own risk."}
for _ in range(3):
    print(repr(raw["license"]))
    raw, unparsed = parse_email(Metadata.from_raw(raw).as_rfc822().as_string())
    assert not unparsed
PYTHON

diff "$folder/seen" - <<'EXPECTED'
'Use it.\n\nAt your own risk.'
'Use it.\n         \n         At your own risk.'
'Use it.\n                  \n                  At your own risk.'
EXPECTED
