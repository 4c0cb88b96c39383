#!/usr/bin/env bash
# pip 26.3 and uv 0.13.9 fail on a simple page whose <base> is relative.
#
# HTML lets <base href> be relative to the page's own address, and a browser opens the link of this page. pip loses
# scheme and host of the link, uv refuses the whole page. An index that writes absolute or plain relative links is not
# affected.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from simple_index import WHEEL, install, serve_page, serve_wheel

serve_page(f'<a href="{WHEEL}#sha256={serve_wheel()}">{WHEEL}</a>', head='<base href="/files/">')
for tool in ("pip", "uv"):
    print(tool, install(tool))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip refused: ERROR: Could not install packages due to an OSError: No connection adapters were found for ':///files/kiln-1.0-py3-none-any.whl'
uv refused: cause: relative URL without a base
EXPECTED
