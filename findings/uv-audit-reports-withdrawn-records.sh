#!/usr/bin/env bash
# uv 0.13.9: `uv audit` reports a vulnerability whose record was withdrawn, without saying that it was.
#
# In the OSV schema, `withdrawn` is the time since when a record no longer stands; the record itself remains, so a
# service can still answer with it. uv ends with an error for it as for any other. pip-audit 2.10.1 leaves it out.
. "$(dirname "$0")/lib/setup.bash" uv==0.13.9 pip-audit==2.10.1

python - >"$folder/seen" <<'PYTHON'
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

folder = pathlib.Path(os.environ["FOLDER"])
events = [{"introduced": "0"}, {"fixed": "1.18.0"}]
affected = {"package": {"ecosystem": "PyPI", "name": "six"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
plain = {"schema_version": "1.7.0", "id": "PYSEC-2026-1", "modified": "2026-01-03T00:00:00Z", "affected": [affected]}
plain |= {"published": "2026-01-02T00:00:00Z", "summary": "burns"}


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        batch = {"results": [{"vulns": [record]}]}
        body = {"/v1/query": batch["results"][0], "/v1/querybatch": batch}.get(self.path, record)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_POST = do_GET

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
folder.joinpath("requirements.txt").write_text("six==1.17.0\n")
folder.joinpath("pyproject.toml").write_text(
    '[project]\nname = "kiln"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["six==1.17.0"]\n'
)
folder.joinpath("uv.lock").write_text(f"""version = 1
revision = 3
requires-python = ">=3.11"
[[package]]
name = "kiln"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "six" }}]
[package.metadata]
requires-dist = [{{ name = "six", specifier = "==1.17.0" }}]
[[package]]
name = "six"
version = "1.17.0"
source = {{ registry = "{address}/simple" }}
sdist = {{ url = "{address}/six-1.17.0.tar.gz", hash = "sha256:{"0" * 64}", size = 1 }}
""")
programs = pathlib.Path(sys.prefix, "bin")
audit = [programs / "uv", "audit", "--frozen", "--preview-features", "audit-command", "--no-cache"]
audit += ["--service-url", f"{address}/"]
pip_audit = [programs / "pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip", "--progress-spinner=off"]
pip_audit += ["--vulnerability-service", "osv", "--osv-url", f"{address}/v1/query"]
for case, record in {"plain": plain, "withdrawn": plain | {"withdrawn": "2026-01-03T00:00:00Z"}}.items():
    for tool, command in {"uv": audit, "pip-audit": pip_audit}.items():
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        said = done.stdout + done.stderr
        print(case, tool, done.returncode, *(word for word in ("PYSEC-2026-1", "withdrawn") if word in said))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
plain uv 1 PYSEC-2026-1
plain pip-audit 1 PYSEC-2026-1
withdrawn uv 1 PYSEC-2026-1
withdrawn pip-audit 0
EXPECTED
