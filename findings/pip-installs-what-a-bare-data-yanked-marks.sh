#!/usr/bin/env bash
# pip 26.3 installs a file whose link has `data-yanked` without a value; uv 0.13.9 does not.
#
# PEP 592 allows the attribute to have no value, which in HTML is the same as an empty one. pip's parser gives None
# for it, as for a missing attribute, so the yanked file is installed as the newest. An index that writes `data-
# yanked=""` is understood by both.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from simple_index import WHEEL, install, serve_page, serve_wheel

digest = serve_wheel()
for attribute in ('data-yanked=""', "data-yanked"):
    serve_page(f'<a href="/files/{WHEEL}#sha256={digest}" {attribute}>{WHEEL}</a>')
    for tool in ("pip", "uv"):
        print(attribute, tool, install(tool))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
data-yanked="" pip refused: ERROR: No matching distribution found for kiln
data-yanked="" uv refused: And because you require kiln, we can conclude that your requirements are unsatisfiable.
data-yanked pip installed
data-yanked uv refused: And because you require kiln, we can conclude that your requirements are unsatisfiable.
EXPECTED
