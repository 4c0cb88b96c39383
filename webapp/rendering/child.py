"""The program of a child process that renders descriptions, one after the other, within limits.

    python child.py RENDERER.py PARENT CPU_S MEMORY_BYTES IDLE_S

RENDERER.py defines `render(text, language) -> str | None`. Standard input is a socket. Each incoming line is a JSON
array [text, language], each outgoing line is {"html": ...} or {"error": ...}; the first one, "ready", says that
everything is loaded. PARENT is the file descriptor of a second socket, through which nothing is ever sent. The program
is run as a file and imports nothing of the site, so that it starts fast and stays small.

The kernel enforces the limits, because a parser written in C or Rust does not return to Python before it ends: SIGPROF
ends the process when a text has used up its processor time, SIGIO when the parent has ended, and nothing is
allocated beyond MEMORY_BYTES of address space.
"""

import fcntl
import gc
import json
import os
import resource
import runpy
import signal
import socket
import sys

READY = b"ready\n"
OUT_OF_MEMORY = 77  # exit code
# A long message would repeat the text.
_ERROR_CHARS = 300
_LINK = 0
# So many objects more than at the last collection, which are about 10 MB. Most texts leave some hundred behind.
_COLLECTED_OBJECTS = 50_000


def main(renderer: str, parent: int, cpu_s: float, memory_bytes: int, idle_s: int) -> None:
    """Answer until nothing has arrived for `idle_s` seconds, or until the parent closes the sockets or ends."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGIO, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)  # each of them ends the process
    render = runpy.run_path(renderer)["render"]
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _end_with_parent(parent)
    # Looking for reference cycles takes a quarter of the rendering time, so it is done between two texts, now and then.
    gc.collect()
    gc.freeze()
    gc.disable()
    with socket.socket(fileno=_LINK) as link, link.makefile("rb") as lines:
        link.sendall(READY)
        signal.alarm(idle_s)
        for line in lines:
            signal.alarm(0)
            text, language = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, cpu_s)
            try:
                answer = {"html": render(text, language)}
            except MemoryError:
                os._exit(OUT_OF_MEMORY)
            except BaseException as error:  # noqa: BLE001 - parsers fail in many ways
                answer = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:_ERROR_CHARS]}
            signal.setitimer(signal.ITIMER_PROF, 0)
            link.sendall(json.dumps(answer).encode() + b"\n")
            del line, text, answer
            if gc.get_count()[0] > _COLLECTED_OBJECTS:
                gc.collect()
            signal.alarm(idle_s)


def _end_with_parent(parent: int) -> None:
    """Let the kernel send SIGIO when the parent's end of this socket is closed. Source: fcntl(2), O_ASYNC.

    It is closed when the parent ends, even by kill -9. The socket that texts come through cannot tell: data sends the
    signal too, sometimes only after it was read. PR_SET_PDEATHSIG is of no use: it is sent when the *thread* ends that
    started this process.
    """
    fcntl.fcntl(parent, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(parent, fcntl.F_SETFL, fcntl.fcntl(parent, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
