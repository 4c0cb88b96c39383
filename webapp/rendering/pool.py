"""A pool of child processes that render descriptions, and the results.

Anybody may have written a description, and parsers can be made to hang, to crash, or to take all of the memory. So no
parser runs in a process of the site. A child that dies or exceeds its limits costs only that text its rendering: the
next text gets another child.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from webapp.rendering.child import OUT_OF_MEMORY, READY

log = logging.getLogger(__name__)

CHILD = Path(__file__).with_name("child.py")
# Loading the parsers takes 0.2 s, and longer on a busy machine.
START_S = 60.0
# One thread waits this long for a busy child ...
PATIENCE_S = 30.0
# ... and others this long to queue after it, because readers need the threads.
LINE_PATIENCE_S = 0.25
# Exit codes of a child that was idle for long, or that somebody has ended.
_NOT_BY_THE_TEXT = (0, -signal.SIGALRM, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM)
# The only environment variables that a child gets; the others may contain secrets.
_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")


class Bounds(NamedTuple):
    """The limits for one text, and how long a child waits for the next one."""

    cpu_s: float = 5.0
    wall_s: float = 30.0
    memory_bytes: int = 1_000_000_000  # of address space; a child takes 50 MB before its first text
    idle_s: int = 300


class Outcome(NamedTuple):
    """The result for a text: its HTML, None if the parser refused it, or a clause that says why there is none."""

    html: str | None
    problem: str | None = None


class RenderersBusy(RuntimeError):
    """All children are busy, and another thread is already waiting for one."""


class Renderers:
    """Up to `most` children that run one renderer. They start when there is something to render."""

    def __init__(self, renderer: Path, most: int, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - it is immutable
        self._renderer, self._most, self._bounds = renderer, most, bounds
        self._forget()

    def render(self, text: str, language: str) -> Outcome:
        """Return a child's result for the text. Thread-safe. Raises RenderersBusy."""
        if self._pid != os.getpid():
            self._forget()  # a forked process has no children
        with self._turn():
            while True:
                try:
                    child, is_new = (self._idle.pop(), False) if self._idle else (self._started(), True)
                except OSError as error:
                    log.exception("No process could be started to render a description.")
                    return Outcome(None, f"no process could be started to render it ({error})")
                outcome = child.render(text, language)
                if outcome is None and not is_new:
                    continue  # it ended before it read the text
                if not child.has_ended:
                    self._idle.append(child)
                return outcome or Outcome(None, "the process that renders descriptions ended")

    def close(self) -> None:
        """End idle children."""
        while self._idle:
            self._idle.pop().end()

    def _started(self) -> "_Child":
        return _Child(self._renderer, self._bounds)

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._idle: list[_Child] = []
        self._turns, self._line = threading.BoundedSemaphore(self._most), threading.BoundedSemaphore(1)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            if not self._line.acquire(timeout=LINE_PATIENCE_S):
                raise RenderersBusy
            try:
                if not self._turns.acquire(timeout=PATIENCE_S):
                    raise RenderersBusy
            finally:
                self._line.release()
        try:
            yield
        finally:
            self._turns.release()


class _Child:
    """A process that renders one text at a time."""

    def __init__(self, renderer: Path, bounds: Bounds) -> None:
        """Start it, and wait until it is ready. Raises OSError."""
        self._bounds = bounds
        self._link, its_end = socket.socketpair()
        # The child notices when this end is closed, which the kernel does if this process is killed.
        self._open_while_alive, parent = socket.socketpair()
        self._link.settimeout(START_S)
        options = (parent.fileno(), bounds.cpu_s, bounds.memory_bytes, bounds.idle_s)
        with its_end, parent:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                [sys.executable, "-P", str(CHILD), str(renderer), *map(str, options)],
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=[parent.fileno()],
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                process_group=0,  # Ctrl-C is for the parent; a session would get its own share of the processor
            )
        self._answers = self._link.makefile("rb")
        try:
            if self._answers.readline() != READY:
                raise ChildProcessError(f"it exited right after it started, with exit code {self._process.wait()}")
        except OSError:
            self.end()
            raise
        self._link.settimeout(bounds.wall_s)

    @property
    def has_ended(self) -> bool:
        """Whether it cannot be used any more."""
        return self._process.poll() is not None

    def render(self, text: str, language: str) -> Outcome | None:
        """Return its result for the text; None if it had already ended, as it does when idle for long."""
        if self.has_ended:
            self.end()
            return None
        try:
            self._link.sendall(json.dumps([text, language]).encode() + b"\n")
            line = self._answers.readline()
        except TimeoutError:
            self.end()
            return Outcome(None, f"rendering it took more than {self._bounds.wall_s:g} seconds")
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            return self._why_it_ended()
        answer = json.loads(line)
        if "error" in answer:
            log.warning("A description is shown as plain text: %s", answer["error"])
            return Outcome(None, f"rendering it failed ({answer['error']})")
        return Outcome(answer["html"])

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        self._link.close()
        self._open_while_alive.close()

    def _why_it_ended(self) -> Outcome | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=START_S)
        self.end()
        code = self._process.returncode
        if code in _NOT_BY_THE_TEXT:
            return None
        if code == -signal.SIGPROF:
            problem = f"rendering it took more than {self._bounds.cpu_s:g} seconds of processor time"
        elif code == OUT_OF_MEMORY:
            problem = f"rendering it took more than {self._bounds.memory_bytes // 1_000_000:,} MB of memory"
        else:
            problem = "its parser crashed"
        log.warning("A description is shown as plain text: %s (exit code %d)", problem, code)
        return Outcome(None, problem)
