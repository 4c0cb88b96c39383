"""A package index with one project, kiln, and what installers and proxies make of it."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile

JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "kiln-1.0-py3-none-any.whl"
FOLDER = pathlib.Path(os.environ["FOLDER"])
PROGRAMS = pathlib.Path(sys.prefix, "bin")
served = {}  # path -> (content type, bytes)


class _Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = served.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Index)
threading.Thread(target=_server.serve_forever, daemon=True).start()
INDEX = f"http://127.0.0.1:{_server.server_port}"


def serve_wheel(extra=()):
    """Serve a wheel at /files/WHEEL, with some more empty files in it, and return its SHA-256."""
    info = "kiln-1.0.dist-info"
    files = dict.fromkeys(extra, "")
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: kiln\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    served[f"/files/{WHEEL}"] = "application/zip", held.getvalue()
    return hashlib.sha256(held.getvalue()).hexdigest()


def serve_page(link, head=""):
    """Serve the project's page in HTML."""
    page = f"<!DOCTYPE html><html><head>{head}</head><body>{link}</body></html>"
    served["/simple/kiln/"] = "text/html", page.encode()


def install(tool):
    """Install the wheel by pip or uv, and return what that says: the last line if it fails."""
    options = ["--isolated", "--no-cache-dir", "--disable-pip-version-check"] if tool == "pip" else ["pip"]
    command = [PROGRAMS / tool, *options, "install", "--no-deps", "--target", FOLDER / tool]
    command += ["--index-url", f"{INDEX}/simple/", "kiln"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"UV_NO_CACHE": "1"})
    return "installed" if done.returncode == 0 else "refused: " + done.stderr.strip().splitlines()[-1].strip()


def serve_level_1_4():
    """Serve the project in JSON as an index of level 1.4 does."""
    file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": serve_wheel()}, "size": 1000}
    file |= {"upload-time": "2020-01-02T03:04:05.678901Z", "provenance": f"{INDEX}/provenance"}
    page = {"meta": {"api-version": "1.4"}, "name": "kiln", "versions": ["1.0"], "files": [file]}
    page |= {"project-status": {"status": "deprecated", "reason": "use oven"}}
    served["/simple/"] = JSON, json.dumps({"meta": {"api-version": "1.4"}, "projects": [{"name": "kiln"}]}).encode()
    served["/simple/kiln/"] = JSON, json.dumps(page).encode()


@contextlib.contextmanager
def proxy(command, **environment):
    """Run a proxy of the index; `command` makes its command of a port. Yields what asks it: JSON, or a status."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command(port), env=os.environ | environment, **quiet)

    def ask(path):
        for _ in range(100):
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": JSON})
                return json.loads(urllib.request.urlopen(request).read())
            except urllib.error.HTTPError as error:
                return error.code
            except urllib.error.URLError:
                time.sleep(0.1)

    try:
        yield ask
    finally:
        server.terminate()
        server.wait()
