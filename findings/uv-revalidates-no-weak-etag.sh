#!/usr/bin/env bash
# uv 0.13.8 keeps a page that has a weak ETag, but never asks whether it is still the newest: it fetches it whole again.
#
# RFC 9110 (section 13.1.2) has If-None-Match compare weakly, so a 304 would be right. With a strong ETag uv sends it.
# pip 26.3 sends both.
. "$(dirname "$0")/lib/setup.bash" uv==0.13.8 pip==26.3

python >"$folder/seen" <<'PYTHON'
import http.server
import os
import pathlib
import subprocess
import sys
import threading

folder, programs = pathlib.Path(os.environ["FOLDER"]), pathlib.Path(sys.prefix, "bin")
asked = []


class Index(http.server.BaseHTTPRequestHandler):
    etag = ""

    def do_GET(self):
        body = b'{"meta": {"api-version": "1.0"}, "name": "kiln", "files": []}'
        asked.append(self.headers["If-None-Match"])
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache, public")
        self.send_header("ETag", self.etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
threading.Thread(target=server.serve_forever, daemon=True).start()
own = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}

for tool, options in (("uv", ["pip", "install"]), ("pip", ["install", "--trusted-host", "127.0.0.1"])):
    for kind, Index.etag in (("strong", '"one"'), ("weak", 'W/"one"')):
        cache = str(folder / f"{tool}-{kind}")
        command = [programs / tool, *options, "--target", folder / "to", "--cache-dir", cache, "kiln"]
        command += ["--index-url", f"http://127.0.0.1:{server.server_port}/simple/"]
        asked.clear()
        for _ in range(2):
            subprocess.run(command, capture_output=True, env=own)
        print(tool, kind, asked[-1])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
uv strong "one"
uv weak None
pip strong "one"
pip weak W/"one"
EXPECTED
