#!/usr/bin/env bash
# pip 26.3 overlooks a link that ends in #egg=NAME, and uv 0.13.9 refuses the whole page.
#
# Indexes written for setuptools put #egg= behind links, and PEP 503 says only that a fragment SHOULD be a hash. pip
# says that there are no versions at all; uv takes the fragment for a hash of an unknown kind.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from simple_index import WHEEL, install, serve_page, serve_wheel

serve_wheel()
serve_page(f'<a href="/files/{WHEEL}#egg=kiln">{WHEEL}</a>')
for tool in ("pip", "uv"):
    print(tool, install(tool))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip refused: ERROR: No matching distribution found for kiln
uv refused: cause: Unsupported hash algorithm (expected one of: `md5`, `sha256`, `sha384`, `sha512`, or `blake2b`) on: `egg=kiln`
EXPECTED
