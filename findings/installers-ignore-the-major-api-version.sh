#!/usr/bin/env bash
# pip 26.3 and uv 0.13.9 install from an index that declares version 2.0 of the simple API.
#
# PEP 629 says that a client MUST refuse a page whose major version it does not know. Neither looks at the number in
# the <meta> of the page, and no warning is printed.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from simple_index import WHEEL, install, serve_page, serve_wheel

link = f'<a href="/files/{WHEEL}#sha256={serve_wheel()}">{WHEEL}</a>'
serve_page(link, head='<meta name="pypi:repository-version" content="2.0">')
for tool in ("pip", "uv"):
    print(tool, install(tool))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip installed
uv installed
EXPECTED
