#!/usr/bin/env bash
# mousebender 2025.1 refuses a JSON page if its Content-Type has a parameter.
#
# The documentation says to pass the Content-Type header in. A media type may be followed by parameters, the sample
# client in PEP 691 takes them off, and many frameworks add "charset=utf-8" to all that they send. mousebender allows
# that for HTML, but compares the JSON type as a whole and raises UnsupportedMIMEType. pip and uv read such a page.
. "$(dirname "$0")/lib/setup.bash" mousebender==2025.1

python - >"$folder/seen" <<'PYTHON'
from mousebender import simple

pages = {"text/html": "<!DOCTYPE html>", simple.ACCEPT_JSON_V1: '{"meta": {"api-version": "1.0"}, "projects": []}'}
for kind, page in pages.items():
    for header in (kind, f"{kind}; charset=utf-8"):
        try:
            print(header, simple.parse_project_index(page, header))
        except simple.UnsupportedMIMEType as error:
            print(header, "refused:", error)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
text/html {'meta': {'api-version': '1.0'}, 'projects': []}
text/html; charset=utf-8 {'meta': {'api-version': '1.0'}, 'projects': []}
application/vnd.pypi.simple.v1+json {'meta': {'api-version': '1.0'}, 'projects': []}
application/vnd.pypi.simple.v1+json; charset=utf-8 refused: Unsupported MIME type: application/vnd.pypi.simple.v1+json; charset=utf-8
EXPECTED
