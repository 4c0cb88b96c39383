#!/usr/bin/env bash
# pip 26.3 unpacks every top-level folder of a wheel that ends in .data, uv 0.13.9 only the wheel's own.
#
# The binary distribution format knows one such folder, NAME-VERSION.data. pip takes any other one for it as well: a
# module in other-1.0.data/purelib becomes importable with pip and stays a file in an odd folder with uv. The same
# wheel installs two different sets of modules.
. "$(dirname "$0")/lib/setup.bash" pip==26.3 uv==0.13.9

python - >"$folder/seen" <<'PYTHON'
from simple_index import FOLDER, WHEEL, install, serve_page, serve_wheel

digest = serve_wheel(extra=["other-1.0.data/purelib/hidden.py"])
serve_page(f'<a href="/files/{WHEEL}#sha256={digest}">{WHEEL}</a>')
for tool in ("pip", "uv"):
    said = install(tool)
    print(tool, said, [str(path.relative_to(FOLDER / tool)) for path in FOLDER.glob(f"{tool}/**/hidden.py")])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip installed ['hidden.py']
uv installed ['other-1.0.data/purelib/hidden.py']
EXPECTED
