#!/usr/bin/env bash
# pip 26.3 unpacks every top-level folder of a wheel that ends in .data, uv 0.13.9 only the wheel's own.
#
# The binary distribution format knows one such folder, NAME-VERSION.data. pip takes any other one for it as well: a
# module in other-1.0.data/purelib becomes importable with pip and stays a file in an odd folder with uv. The same
# wheel installs two different sets of modules.
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



info = "kiln-1.0.dist-info"
files = {
    "other-1.0.data/purelib/hidden.py": "",
    f"{info}/METADATA": "Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
held = io.BytesIO()
with zipfile.ZipFile(held, "w") as archive:
    for path, text in files.items():
        archive.writestr(path, text)
name = "kiln-1.0-py3-none-any.whl"
served[f"/files/{name}"] = "application/zip", held.getvalue()
digest = hashlib.sha256(held.getvalue()).hexdigest()
link = f'<a href="/files/{name}#sha256={digest}">{name}</a>'
served["/simple/kiln/"] = "text/html", f"<!DOCTYPE html><html><body>{link}</body></html>".encode()

for tool in (["pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"], ["uv", "pip"]):
    said = install(*tool)
    print(tool[0], said, sorted(str(path.relative_to(folder / tool[0])) for path in folder.glob(f"{tool[0]}/**/hidden.py")))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
pip installed ['hidden.py']
uv installed ['other-1.0.data/purelib/hidden.py']
EXPECTED
