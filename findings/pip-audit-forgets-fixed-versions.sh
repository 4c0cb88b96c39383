#!/usr/bin/env bash
# pip-audit 2.10.1 names only some of the fixed versions if an OSV record gives them apart from each other.
#
# In the OSV format `affected` may have several objects for one package, and an object several ranges; advisories for
# projects with several maintained branches are written so. pip-audit reads the first range of each object, and replaces
# its list with each object. Who has kiln 1.2.4 is told that 3.0.1 is fixed, although 1.2.5 is as well.
. "$(dirname "$0")/lib/setup.bash" pip-audit==2.10.1

python - >"$folder/seen" <<'PYTHON'
import json
import subprocess

import simple_index
from simple_index import FOLDER, INDEX, PROGRAMS

record = {"schema_version": "1.6.0", "id": "KILN-1", "modified": "2026-01-01T00:00:00Z", "summary": "It overheats."}
answer = {"vulns": [record]}


def answer_query(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    body = json.dumps(answer).encode()
    self.send_response(200)
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)


def span(introduced, fixed):
    return {"type": "ECOSYSTEM", "events": [{"introduced": introduced}, {"fixed": fixed}]}


simple_index._Index.do_POST = answer_query
package = {"ecosystem": "PyPI", "name": "kiln"}
spans = [span("0", "1.2.5"), span("2.0", "2.1.3"), span("3.0", "3.0.1")]
(FOLDER / "requirements.txt").write_text("kiln==1.2.4\n")
whole = {"type": "ECOSYSTEM", "events": [event for one in spans for event in one["events"]]}
for name, affected in {
    "one range": [{"package": package, "ranges": [whole]}],
    "three ranges": [{"package": package, "ranges": spans}],
    "three objects": [{"package": package, "ranges": [one]} for one in spans],
}.items():
    record["affected"] = affected
    command = [PROGRAMS / "pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip", "-f", "json"]
    command += ["-s", "osv", "--osv-url", f"{INDEX}/v1/query", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    print(name, json.loads(done.stdout)["dependencies"][0]["vulns"][0]["fix_versions"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
one range ['1.2.5', '2.1.3', '3.0.1']
three ranges ['1.2.5']
three objects ['3.0.1']
EXPECTED
