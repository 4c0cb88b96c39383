#!/usr/bin/env bash
# simple-repository 0.11.1 escapes the URLs of files that an index has already escaped.
#
# PEP 691 and PEP 503 give the URL from which a file can be fetched, to be used as it is. simple-repository quotes it
# again: "%2B" becomes "%252B", and the "?" before a query becomes "%3F". Files with a local version, which indexes of
# builds for GPUs link as 1.0%2Bcu12, and files behind signed links are not found any more, only behind this proxy.
. "$(dirname "$0")/lib/setup.bash" simple-repository==0.11.1

python - >"$folder/seen" <<'PYTHON'
import json

from simple_repository import parser

for url in ("/files/kiln-1.0%2Bcu12-py3-none-any.whl", "/files/kiln-1.0-py3-none-any.whl?until=9"):
    file = {"filename": "kiln.whl", "url": url, "hashes": {}}
    page = {"meta": {"api-version": "1.0"}, "name": "kiln", "files": [file]}
    print("JSON", parser.parse_json_project_page(json.dumps(page)).files[0].url)
    print("HTML", parser.parse_html_project_page(f'<a href="{url}">kiln.whl</a>', "kiln").files[0].url)
PYTHON

diff "$folder/seen" - <<'EXPECTED'
JSON /files/kiln-1.0%252Bcu12-py3-none-any.whl
HTML /files/kiln-1.0%252Bcu12-py3-none-any.whl
JSON /files/kiln-1.0-py3-none-any.whl%3Funtil%3D9
HTML /files/kiln-1.0-py3-none-any.whl%3Funtil%3D9
EXPECTED
