#!/usr/bin/env bash
# pip-audit 2.10.1 recommends "Upgrade" in its CycloneDX output for a vulnerability that no version fixes.
#
# CycloneDX's `recommendation` says how a vulnerability can be remedied. pip-audit always writes the same word, without
# the fixed versions where there are some, and leaves out the aliases and the components' package URLs as well. Tools
# that read it cannot tell what can be fixed, and have bare names to match by. The JSON output has the versions.
. "$(dirname "$0")/lib/setup.bash" pip-audit==2.10.1

python - >"$folder/seen" <<'PYTHON'
import json
import subprocess

import simple_index
from simple_index import FOLDER, INDEX, PROGRAMS

record = {"schema_version": "1.6.0", "id": "KILN-1", "aliases": ["OVEN-7"], "modified": "2026-01-01T00:00:00Z"}
package = {"ecosystem": "PyPI", "name": "kiln"}


def answer_query(self):
    self.rfile.read(int(self.headers["Content-Length"]))
    body = json.dumps({"vulns": [record]}).encode()
    self.send_response(200)
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)


simple_index._Index.do_POST = answer_query
(FOLDER / "requirements.txt").write_text("kiln==1.0\n")
for fix in ([], [{"fixed": "1.1"}]):
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *fix]}
    record["affected"] = [{"package": package, "ranges": [span]}]
    answers = []
    for form in ("json", "cyclonedx-json"):
        command = [PROGRAMS / "pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip", "-f", form]
        command += ["-s", "osv", "--osv-url", f"{INDEX}/v1/query", "--progress-spinner", "off"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
        answers.append(json.loads(done.stdout))
    print("JSON", answers[0]["dependencies"][0]["vulns"][0]["fix_versions"])
    [found], [component] = answers[1]["vulnerabilities"], answers[1]["components"]
    print("CycloneDX", found["recommendation"], sorted(found), sorted(component))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
JSON []
CycloneDX Upgrade ['affects', 'bom-ref', 'description', 'id', 'recommendation'] ['bom-ref', 'name', 'type', 'version']
JSON ['1.1']
CycloneDX Upgrade ['affects', 'bom-ref', 'description', 'id', 'recommendation'] ['bom-ref', 'name', 'type', 'version']
EXPECTED
