#!/usr/bin/env bash
# uv 0.13.8 asks another address than the one that --service-url names, unless it ends with a slash.
#
# `uv audit --service-url http://HOST/osv` (a preview feature) joins "v1/querybatch" like a relative link, so the last part
# of the path is lost: it asks /v1/querybatch. With http://HOST/osv/ it asks /osv/v1/querybatch. The help mentions neither.
. "$(dirname "$0")/lib/setup.bash" uv==0.13.8

mkdir "$folder/project"
cat >"$folder/project/pyproject.toml" <<'TOML'
[project]
name = "kiln"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["six==1.17.0"]
TOML
cat >"$folder/project/uv.lock" <<'TOML'
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "kiln"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "six" }]

[package.metadata]
requires-dist = [{ name = "six", specifier = "==1.17.0" }]

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "http://127.0.0.1:9/simple" }
sdist = { url = "http://127.0.0.1:9/six-1.17.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000", size = 1 }
TOML
cat >"$folder/audit.py" <<'PYTHON'
import http.server, os, subprocess, threading

folder, asked = os.environ["FOLDER"], []


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"results": [{}]}')

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in ("/osv", "/osv/"):
    address = f"http://127.0.0.1:{server.server_port}{path}"
    audit = [f"{folder}/venv/bin/uv", "audit", "--frozen", "--preview-features", "audit-command", "--no-cache"]
    subprocess.run([*audit, "--service-url", address], cwd=f"{folder}/project", capture_output=True)
    print(path, "asks", *asked)
    asked.clear()
PYTHON
python "$folder/audit.py" | diff - <(cat <<'EXPECTED'
/osv asks /v1/querybatch
/osv/ asks /osv/v1/querybatch
EXPECTED
)
