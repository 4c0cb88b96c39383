"""Run a WSGI application under granian."""

import http.client
import os
import pathlib
import socket
import subprocess
import sys
import time


def answer_of(application):
    """Return the status, the reason and the body that the source of a module `web` with `app` answers."""
    folder = pathlib.Path(os.environ["FOLDER"])
    folder.joinpath("web.py").write_text(application)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [pathlib.Path(sys.prefix, "bin", "granian"), "--interface", "wsgi", "--port", str(port), "web:app"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=folder, **quiet)
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
        return answer.status, answer.reason, answer.read()
    finally:
        server.terminate()
        server.wait()
