"""How the web processes begin and end, and what they share."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Flask
from prometheus_client.mmap_dict import MmapedDict

from tests.conftest import free_port
from tests.servers import ROOT, START_S, Site, children, serving
from tests.serving.metrics.reading import figures

pytestmark = pytest.mark.real_server

SIGNALLED_WHILE_LOCKED = """
import os, signal, sys
from granian.server.common import AbstractServer
from webapp.cli import web_server

wait_for_events = AbstractServer._serve_loop

def signalled(server, *arguments):
    with server.main_loop_interrupt._cond:
        os.kill(os.getpid(), signal.SIGTERM)
    wait_for_events(server, *arguments)

AbstractServer._serve_loop = signalled
sys.exit(web_server.serve("127.0.0.1", int(sys.argv[1]), 1, 1, target="wsgiref.simple_server:demo_app"))
"""

SIGNALLED_WHILE_REPLACING = """
import os, signal, sys, threading, time
from granian.server.common import AbstractServer
from webapp.cli import web_server

class Signalled(list):
    def clear(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        super().clear()

wait_for_events = AbstractServer._serve_loop

def killing(server, *arguments):
    server.interrupt_children = Signalled()
    threading.Timer(0.3, lambda: server.wrks[0].inner.kill()).start()
    wait_for_events(server, *arguments)

AbstractServer._serve_loop = killing
sys.exit(web_server.serve("127.0.0.1", int(sys.argv[1]), 1, 1, target="wsgiref.simple_server:demo_app"))
"""

SIGNALLED_AS_SOON_AS_FORKED = """
import os, signal, sys, time
from webapp.cli import web_server

for signum in web_server.ENDING:
    signal.signal(signum, lambda *_: None)
web_server._keep_signals_at_fork()
for _ in range(200):
    child = os.fork()
    if not child:
        time.sleep(1)
        os._exit(9)
    os.kill(child, signal.SIGTERM)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGTERM:
        sys.exit("it did not end")
"""

TOLD_THREE_TIMES = """
import multiprocessing, os, signal, sys, time
from webapp.cli.web_server import begin_web_process

def web_process(serves, ready):
    told = []
    begin_web_process()
    if serves:
        signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    ready.set()
    time.sleep(2)
    os._exit(7 if len(told) == 1 else 9)

fork = multiprocessing.get_context("fork")
ready = fork.Event()
child = fork.Process(target=web_process, args=(sys.argv[1] == "yes", ready))
child.start()
ready.wait()
for _ in range(3):
    os.kill(child.pid, signal.SIGTERM)
    time.sleep(0.2)
child.join()
sys.exit(abs(child.exitcode))
"""


@pytest.fixture
def served(app: Flask, tmp_path: Path) -> Iterator[Site]:
    """The site with two web processes, which says what it imports."""
    uri = app.config["MONGODB_URI"]
    with serving(tmp_path / "log", uri, workers=2, METRICS=1, PYTHONPROFILEIMPORTTIME=1) as site:
        wait_until_begun(site)
        yield site


def wait_until_begun(site: Site) -> None:
    """Wait until both web processes have loaded what is their own."""
    deadline = time.monotonic() + START_S
    while imported(site).count("webapp.cli.web_process") < 2:
        assert time.monotonic() < deadline, site.log()
        time.sleep(0.05)


def imported(site: Site) -> list[str]:
    """The modules that its processes have imported."""
    return [line.rpartition("| ")[2].strip() for line in site.log().splitlines() if line.startswith("import time:")]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_end(pids: list[int]) -> None:
    """Wait until none of these processes is left."""
    deadline = time.monotonic() + START_S
    while left := [pid for pid in pids if is_there(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_site_is_loaded_once_for_all_web_processes(served: Site) -> None:
    modules = imported(served)

    assert len(served.web_processes()) == 2
    assert (modules.count("app"), modules.count("webapp"), modules.count("webapp.cli.web_process")) == (1, 1, 2)


def test_forked_web_process_has_the_database_and_metrics_of_its_own(served: Site) -> None:
    with ThreadPoolExecutor(8) as readers:
        pages = list(readers.map(requests.get, [f"{served.address}/project/flask/"] * 40))
    told = figures(requests.get(f"{served.address}/metrics", timeout=10).text)

    assert {page.status_code for page in pages} == {200}
    assert told["larder_requests_total{method=GET,route=/project/<name>/,status=200}"] == 40
    # The driver would open them in the process that has loaded the site, if that had kept its client.
    assert told["larder_database_connections{}"] > 0


def test_web_processes_end_with_the_one_that_started_them(served: Site) -> None:
    web_processes = served.web_processes()

    served.process.send_signal(signal.SIGKILL)
    served.process.wait(START_S)

    wait_for_end(web_processes)


@pytest.mark.parametrize(("serves", "code"), [("yes", 7), ("no", 128 + signal.SIGTERM)])
def test_web_process_is_told_once_to_end(serves: str, code: int) -> None:
    """The kernel sends SIGTERM once for each thread of a process that is killed; granian cannot stand that."""
    run = subprocess.run([sys.executable, "-c", TOLD_THREE_TIMES, serves], cwd=ROOT, timeout=START_S, check=False)

    assert run.returncode == code


def test_killed_web_process_is_replaced(served: Site) -> None:
    killed, other = served.web_processes()

    os.kill(killed, signal.SIGKILL)

    deadline = time.monotonic() + START_S
    while len(now := served.web_processes()) != 2 or killed in now:
        assert time.monotonic() < deadline, now
        time.sleep(0.05)
    assert other in now
    served.wait_until_up()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_exit_code_names_the_signal(served: Site, signum: signal.Signals) -> None:
    web_processes = served.web_processes()

    served.process.send_signal(signum)

    assert served.process.wait(START_S) == 128 + signum
    wait_for_end(web_processes)


def test_signal_may_arrive_at_any_moment() -> None:
    """Such as while the event that it is about to set is being looked at, as a second signal did."""
    server = subprocess.Popen([sys.executable, "-c", SIGNALLED_WHILE_LOCKED, str(free_port())], cwd=ROOT)
    try:
        assert server.wait(START_S) == 128 + signal.SIGTERM
    finally:
        server.kill()
        server.wait()


def test_process_that_has_loaded_the_site_has_no_part_in_the_open_connections(app: Flask, tmp_path: Path) -> None:
    uri = app.config["MONGODB_URI"]
    with serving(tmp_path / "log", uri, workers=1, METRICS=1, TMPDIR=str(tmp_path)) as site:
        [kept] = tmp_path.glob(f"larder-*/gauge_livesum_{site.process.pid}.db")
        read = MmapedDict.read_all_values_from_file(str(kept))  # type: ignore[no-untyped-call]
        values = [value for _, value, *_ in read]

    assert values == [0.0] * len(values)


def test_ctrl_c_ends_the_site_in_order(app: Flask) -> None:
    """The terminal sends it to every process of the foreground group."""
    port = free_port()
    settings = {"MONGODB_URI": app.config["MONGODB_URI"], "LARDER_ENV": "testing", "UPSTREAM_INDEX": "http://localhost"}
    command = [sys.executable, "-m", "flask", "--app", "app", "serve", "--port", str(port)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(command[0], command, os.environ | settings)
    wait_until_answered(f"http://127.0.0.1:{port}/ping")
    web_processes = children(pid)

    os.write(terminal, b"\x03")

    said = read_all(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "Traceback" not in said
    wait_for_end(web_processes)


def wait_until_answered(address: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            requests.get(address, timeout=10)
        except requests.RequestException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def read_all(terminal: int) -> str:
    """Return what a terminal shows until the last process has left it."""
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux's end of a terminal
            part = b""
        if not part:
            os.close(terminal)
            return shown.decode()
        shown += part


def test_signal_that_comes_while_a_web_process_is_replaced_ends_the_site() -> None:
    command = [sys.executable, "-c", SIGNALLED_WHILE_REPLACING, str(free_port())]

    assert subprocess.run(command, cwd=ROOT, timeout=START_S, check=False).returncode == 128 + signal.SIGTERM


def test_process_that_is_told_to_end_as_soon_as_it_is_forked_does_so() -> None:
    subprocess.run([sys.executable, "-c", SIGNALLED_AS_SOON_AS_FORKED], cwd=ROOT, timeout=START_S, check=True)
