"""granian, run in this process, so that the web processes are forked from one that has loaded the site.

They start at once, and share the memory of what is loaded, which is most of it (macOS has no safe fork: there each web
process loads the site anew). A fork copies neither threads nor connections, so whoever calls `serve` closes its own
first.
"""

import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any

from webapp.serving.slow_clients import BODIES, PROVIDERS, STREAMS, UPSTREAM

# The most files that a web process may open; half of them may be connections.
MOST_FILES = 10_000
# Uploads that the server for uploads handles at a time.
UPLOAD_THREADS = 8
# Environment variables for the web processes.
PORT, REQUESTS, CONNECTIONS = "LARDER_PORT", "LARDER_REQUESTS", "LARDER_CONNECTIONS"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What tells a web process to end.
TOLD = (signal.SIGINT, signal.SIGTERM)
SITE = "webapp.cli.web_process:app"


def serve(
    host: str,
    port: int,
    workers: int,
    threads: int,
    *,
    target: str = SITE,
    log_config: dict[str, Any] | None = None,
    beside: Sequence["subprocess.Popen[bytes]"] = (),
) -> int:
    """Serve an application until a signal ends it, and return the exit code.

    Ctrl-C counts as success. Another server, `beside` this one, is told to stop at the same time. Raises SystemExit if
    the web processes end by themselves again and again.
    """
    # Here, because other commands need no web server.
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    connections = _connections()
    os.environ |= web_process_variables(port, threads, connections)
    if sys.platform == "linux":  # by default since Python 3.14, a server that has loaded nothing forks
        multiprocessing.set_start_method("fork", force=True)
    server = Granian(
        target,
        host,
        port,
        interface=Interfaces.WSGI,
        workers=workers,
        # Most of these threads wait for clients: slow_clients.py.
        blocking_threads=threads + BODIES + STREAMS + UPSTREAM + PROVIDERS,
        backpressure=connections,
        # Only HTTP/1.1: over HTTP/2, silent connections were never dropped, and one could hold any number of requests.
        http=HTTPModes.http1,
        websockets=False,
        # Clients that have not sent their headers by then are disconnected.
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_level=LogLevels.error,
        log_dictconfig=log_config,
        # Without this, granian stops when one of its workers does.
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    received: list[int] = []
    told: SimpleQueue[int] = SimpleQueue()

    def receive(signum: int, _frame: FrameType | None) -> None:
        received.append(signum)
        told.put(signum)

    def stop_when_told() -> None:
        # In a thread: granian waits for an event, and a signal handler that interrupts that and sets the event may wait
        # for a lock that its own thread holds, forever. A SimpleQueue has no such lock.
        told.get()
        for each in beside:
            each.terminate()
        while True:  # once is not enough: granian forgets it while it replaces a web process that has ended
            server.signal_handler_interrupt()
            time.sleep(0.2)

    def begin() -> None:
        threading.Thread(target=stop_when_told, name="stop", daemon=True).start()
        # granian would start its workers anew after SIGHUP, which a terminal sends when it is closed.
        for signum in ENDING:
            signal.signal(signum, receive)
        # What is loaded stays, and is shared as long as nobody writes to it, as looking for garbage would.
        gc.collect()
        gc.freeze()

    server.on_startup(begin)
    # A web process that is told to stop before granian has set its handlers ends at once.
    _keep_signals_at_fork()
    try:
        server.serve()
    except SystemExit:
        if not received:  # otherwise the same signal has ended a web process that had not begun yet
            raise
    # granian's own handler may get a signal just before ours are set.
    first = received[0] if received else signal.SIGINT
    return 0 if first == signal.SIGINT else 128 + first


def web_process_variables(port: int, threads: int, connections: int) -> dict[str, str]:
    """Return the environment variables that the site's web processes need, under any web server."""
    return {PORT: str(port), REQUESTS: str(threads), CONNECTIONS: str(connections)}


def begin_web_process() -> None:
    """Separate this web process from what it was forked from. Call it before anything else.

    It gets no signal from the terminal, but one from granian, and ends when that process is killed, even by kill -9.
    """
    parent = multiprocessing.parent_process()
    if parent is None:  # another web server has loaded the site
        return
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
    threading.Thread(target=_end_when_told, name="stop", daemon=True).start()
    end_with_parent()
    if os.getppid() != parent.pid:  # it was killed before that
        raise SystemExit(1)


def _end_when_told() -> None:
    """Pass the first signal on to granian, and no other, because its handler waits forever when it is called again.

    When a process is killed, its children may get SIGTERM once for each of its threads.
    """
    signum = signal.sigwait(TOLD)
    handler = signal.getsignal(signum)
    if not callable(handler):  # granian has not begun to serve
        os._exit(128 + signum)
    handler(signum, None)


def _keep_signals_at_fork() -> None:
    """Let a signal that a forked process gets at once wait until our handlers are gone, and end it then.

    Python's own handler, which is still set, would only note it, and Python forgets what it noted at the fork.
    """
    before: list[set[int]] = [set()]

    def block() -> None:
        before[0] = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before[0])

    def forget_handlers() -> None:
        for signum in ENDING:
            signal.signal(signum, signal.SIG_DFL)
        unblock()

    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=forget_handlers)


def uploads_server(host: str, port: int) -> list[str]:
    """Return the command that runs the server for uploads.

    It sends the application's own reason in the status line, the only part of a refusal that twine prints; granian
    cannot. It is slower, and a slow client occupies a thread, so it needs a proxy that receives uploads whole.
    """
    shown_host = f"[{host}]" if ":" in host else host
    return [
        *(sys.executable, "-m", "gunicorn", "app:app", "--bind", f"{shown_host}:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(UPLOAD_THREADS)),
        *("--graceful-timeout", "10", "--no-control-socket"),
    ]


def started(command: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    """Start another server in a session of its own, so that Ctrl-C does not reach it; it ends with this process."""
    return subprocess.Popen(  # noqa: S603 - the command is ours
        command,
        cwd=folder,
        start_new_session=True,
        preexec_fn=end_with_parent if sys.platform == "linux" else None,
    )


def end_with_parent() -> None:
    """End this process by SIGTERM when its parent is killed (Linux). Source: prctl(2), PR_SET_PDEATHSIG."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _connections() -> int:
    """Raise the limit on open files as far as the system allows, and return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if files > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files // 2
