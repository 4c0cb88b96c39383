#!/usr/bin/env bash
# pip 26.3 and uv 0.13.9 fail on a simple page whose <base> is relative.
#
# HTML lets <base href> be relative to the page's own address, and a browser opens the link of this page. pip loses
# scheme and host of the link, uv refuses the whole page. An index that writes absolute or plain relative links is not
# affected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check pip==26.3 uv==0.13.9

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


def install(*tool):
    """Install the wheel from the index by `tool`, and return the last line that it prints if it fails."""
    tool = [pathlib.Path(sys.prefix, "bin", tool[0]), *tool[1:]]
    command = [*tool, "install", "--no-deps", "--target", folder / tool[0].name, "--index-url", index + "/simple/", "kiln"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"UV_NO_CACHE": "1"})
    return "installed" if done.returncode == 0 else "refused: " + done.stderr.strip().splitlines()[-1].strip()

name, digest = wheel("kiln")
page = f'<!DOCTYPE html><html><head><base href="/files/"></head><body><a href="{name}#sha256={digest}">{name}</a></body></html>'
served["/simple/kiln/"] = "text/html", page.encode()

for tool in (["pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"], ["uv", "pip"]):
    print(tool[0], install(*tool))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip refused: ERROR: Could not install packages due to an OSError: No connection adapters were found for ':///files/kiln-1.0-py3-none-any.whl'
uv refused: cause: relative URL without a base
EXPECTED
