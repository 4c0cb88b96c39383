#!/usr/bin/env bash
# devpi-server 6.20.3 sends its pages with the Content-Type "text_html" to a client that asks for the HTML of PEP 691.
#
# By RFC 9110 a media type has a slash, and by PEP 691 the Content-Type says how to read the answer: here that it is
# application/vnd.pypi.simple.v1+html, or text/html, its alias. devpi-server knows only the alias and the JSON; to all
# others, the newest JSON among them, it answers 200 and HTML of that type. pypi-simple 1.8.0 cannot read the page.
. "$(dirname "$0")/lib/setup.bash" devpi-server==6.20.3 pypi-simple==1.8.0

python - >"$folder/seen" <<'PYTHON'
import base64
import json
import os
import pathlib
import subprocess
import urllib.request

import pypi_simple
from simple_index import PROGRAMS, proxy

data = pathlib.Path(os.environ["FOLDER"], "data")
init = [PROGRAMS / "devpi-init", "--no-root-pypi", "--serverdir", data]
subprocess.run(init, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
ports = []


def command(port):
    ports.append(port)
    return [PROGRAMS / "devpi-server", "--offline-mode", "--serverdir", data, "--port", str(port)]


def send(method, path, body=None, **headers):
    url = f"http://127.0.0.1:{ports[0]}{path}"
    data = json.dumps(body).encode() if body else None
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method))


with proxy(command) as ask:
    ask("/+api")
    token = json.load(send("POST", "/+login", {"user": "root", "password": ""}))["result"]["password"]
    signed = base64.b64encode(f"root:{token}".encode()).decode()
    send("PUT", "/root/dev", {"type": "stage", "bases": []}, **{"X-Devpi-Auth": signed})
    for kind in "v1+json", "v1+html", "latest+json":
        accepted = f"application/vnd.pypi.simple.{kind}"
        answer = send("GET", "/root/dev/+simple/", Accept=accepted)
        print(accepted, answer.status, answer.headers["Content-Type"], end=" ")
        client = pypi_simple.PyPISimple(f"http://127.0.0.1:{ports[0]}/root/dev/+simple/", accept=accepted)
        try:
            print(client.get_index_page().projects)
        except ValueError as error:
            print(repr(error))
PYTHON

diff "$folder/seen" - <<'EXPECTED'
application/vnd.pypi.simple.v1+json 200 application/vnd.pypi.simple.v1+json []
application/vnd.pypi.simple.v1+html 200 text_html ValueError('text_html')
application/vnd.pypi.simple.latest+json 200 text_html ValueError('text_html')
EXPECTED
