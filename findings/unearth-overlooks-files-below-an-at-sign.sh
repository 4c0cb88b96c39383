#!/usr/bin/env bash
# unearth 0.19.0 finds no file whose URL has an @ in its path.
#
# RFC 3986 allows "@" unescaped in a path, and some hosts put each user's or team's files below /@NAME/. unearth cuts
# the path off at the last "@", as if a revision of a repository followed, and is left without a file name. The page's
# files are skipped, and the project has no versions. pip installs the file.
. "$(dirname "$0")/lib/setup.bash" unearth==0.19.0 pip==26.3

python - >"$folder/seen" <<'PYTHON'
from simple_index import INDEX, WHEEL, install, serve_page, serve_wheel, served
from unearth import PackageFinder
from unearth.link import Link

digest = serve_wheel()
for path in (f"/files/{WHEEL}", f"/@potters/{WHEEL}"):
    served[path] = served[f"/files/{WHEEL}"]
    serve_page(f'<a href="{path}#sha256={digest}">{WHEEL}</a>')
    found = PackageFinder(index_urls=[f"{INDEX}/simple/"]).find_best_match("kiln").best
    print(path, "pip", install("pip"), "unearth", found, repr(Link(f"{INDEX}{path}").filename))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
/files/kiln-1.0-py3-none-any.whl pip installed unearth Package(name='kiln', version='1.0') 'kiln-1.0-py3-none-any.whl'
/@potters/kiln-1.0-py3-none-any.whl pip installed unearth None ''
EXPECTED
