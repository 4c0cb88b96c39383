#!/usr/bin/env bash
# proxpi 1.3.1 in front of an index of level 1.4 drops size and upload time of every file.
#
# It answers as level 1.0. Behind it `uv --exclude-newer` and pip's `--uploaded-prior-to` find no file that has a
# time, and provenance is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check proxpi==1.3.1

"$folder/venv/bin/python" - "$folder" >"$folder/seen" <<'PYTHON'
import hashlib, http.server, io, json, os, pathlib, subprocess, sys, threading, zipfile

folder = pathlib.Path(sys.argv[1])
served = {}  # path -> (content type, bytes)


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = served.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
threading.Thread(target=server.serve_forever, daemon=True).start()
index = f"http://127.0.0.1:{server.server_port}"


def wheel(name):
    """Serve a wheel of this name, version 1.0, and return its file name and SHA-256."""
    info, held = f"{name}-1.0.dist-info", io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    served[f"/files/{name}-1.0-py3-none-any.whl"] = "application/zip", held.getvalue()
    return f"{name}-1.0-py3-none-any.whl", hashlib.sha256(held.getvalue()).hexdigest()

import socket, time, urllib.error, urllib.request

JSON = "application/vnd.pypi.simple.v1+json"
name, digest = wheel("kiln")
file = {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest}, "size": 1000}
file |= {"upload-time": "2020-01-02T03:04:05.678901Z", "provenance": index + "/provenance"}
page = {"meta": {"api-version": "1.4"}, "name": "kiln", "versions": ["1.0"], "files": [file]}
page |= {"project-status": {"status": "deprecated", "reason": "use oven"}}
served["/simple/"] = JSON, json.dumps({"meta": {"api-version": "1.4"}, "projects": [{"name": "kiln"}]}).encode()
served["/simple/kiln/"] = JSON, json.dumps(page).encode()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
proxy = f"http://127.0.0.1:{port}"


def ask(path):
    """Return what the proxy answers, or its status."""
    for _ in range(100):
        try:
            request = urllib.request.Request(proxy + path, headers={"Accept": JSON})
            return json.loads(urllib.request.urlopen(request).read())
        except urllib.error.HTTPError as error:
            return error.code
        except urllib.error.URLError:
            time.sleep(0.1)

start = f"from proxpi.server import app; app.run(port={port})"
environment = os.environ | {"PROXPI_INDEX_URL": index + "/simple/"}
server = subprocess.Popen(
    [sys.executable, "-c", start], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
try:
    answer = ask("/index/kiln/")
    print(answer["meta"], sorted(answer["files"][0]))
finally:
    server.terminate()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
{'api-version': '1.0'} ['filename', 'hashes', 'url']
EXPECTED
