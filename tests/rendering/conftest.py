"""Processes that render."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rendering.stand_ins import stand_in
from webapp.rendering.pool import Renderers

SOON_S = 20


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Renderers]:
    """Processes of a test's own."""
    with contextlib.closing(stand_in(tmp_path)) as children:
        yield children


def pid_of(children: Renderers) -> int:
    """The process that renders next."""
    return int(re.sub("<.*?>", "", children.render("pid", "rst").html or ""))


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + SOON_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"{pid} goes on"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
