#!/usr/bin/env bash
# bandersnatch 6.8.0 writes the reason for yanking a file into the HTML page of a mirror, but not into the JSON page.
#
# PEP 592 says that a mirror MUST NOT mirror a yanked file without the attribute, whose value is the reason; in PEP 691
# it is the value of `yanked`. bandersnatch writes only true there. Installers prefer JSON, so the users of such a
# mirror are not told why the file was yanked, and those of a mirror that has HTML alone are.
. "$(dirname "$0")/lib/setup.bash" bandersnatch==6.8.0

python - >"$folder/seen" <<'PYTHON'
import json

from bandersnatch.package import Package
from bandersnatch.simple import SimpleAPI

name = "kiln-1.0-py3-none-any.whl"
file = {"filename": name, "url": f"https://files.example.org/packages/{name}", "digests": {"sha256": "0" * 64}}
file |= {"size": 1, "requires_python": ">=3.9", "upload_time_iso_8601": "2020-01-02T03:04:05.678901Z"}
file |= {"yanked": True, "yanked_reason": "burns the clay"}
package = Package("kiln")
package._metadata = {"info": {"name": "kiln"}, "last_serial": 1, "releases": {"1.0": [file]}}
api = SimpleAPI(None, "ALL", [], "sha256", False, None)
pages = api.generate_simple_pages(package)
print("HTML", "burns the clay" in pages.html)
print("JSON", "burns the clay" in pages.json, json.loads(pages.json)["files"][0]["yanked"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
HTML True
JSON False True
EXPECTED
