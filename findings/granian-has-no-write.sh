#!/usr/bin/env bash
# granian 2.8.9: start_response returns None instead of a write function.
#
# PEP 3333 demands the function for older applications, deprecated as it is. An application that calls it ends in a
# TypeError, and the client in a 500.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check granian==2.8.9

"$folder/venv/bin/python" - "$folder" >"$folder/seen" <<'PYTHON'
import pathlib, socket, subprocess, sys, time, http.client

folder = pathlib.Path(sys.argv[1])
folder.joinpath("web.py").write_text("""
def app(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"first ")
    return [b"second"]
""")
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
program = pathlib.Path(sys.prefix, "bin", "granian")
server = subprocess.Popen(
    [program, "--interface", "wsgi", "--port", str(port), "web:app"],
    cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
try:
    for _ in range(100):
        time.sleep(0.1)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/")
            break
        except ConnectionRefusedError:
            pass
    answer = connection.getresponse()
    print(answer.status, answer.reason, answer.read())
finally:
    server.terminate()
    server.wait()
PYTHON

diff "$folder/seen" - <<'EXPECTED'
500 Internal Server Error b''
EXPECTED
