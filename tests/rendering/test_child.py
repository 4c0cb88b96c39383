"""The process that renders."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rendering.conftest import is_alive, pid_of, wait_for_end
from webapp.rendering.pool import Renderers


@pytest.mark.parametrize("text", ["fail", "exit", "refuse"])
def test_child_stays_after_a_text_that_fails_in_python(children: Renderers, text: str) -> None:
    before = pid_of(children)

    children.render(text, "rst")

    assert pid_of(children) == before


def test_child_inherits_no_sockets_and_no_secrets(children: Renderers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret")
    monkeypatch.setenv("MONGODB_URI", "mongodb://larder:secret@localhost/larder")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)

        files, environment = (children.render(what, "rst").html or "" for what in ("files", "environment"))

    assert files == "<p>['0', '1', '2']</p>"
    assert "PATH" in environment
    assert "SECRET" not in environment
    assert "MONGODB" not in environment


def test_nothing_looks_for_cycles_while_a_text_is_rendered(children: Renderers) -> None:
    assert children.render("collector", "rst").html == "<p>False</p>"


PARENT = """
import sys, threading, time
from pathlib import Path
from tests.rendering.stand_ins import stand_in
from webapp.rendering.pool import Bounds

children = stand_in(Path(sys.argv[1]), Bounds(), most=2)
print(children.render("pid", "rst").html, flush=True)
threading.Thread(target=children.render, args=("sleep", "rst"), daemon=True).start()
waiting = children._started()  # it ends as soon as nobody holds it
print(waiting._process.pid, flush=True)
time.sleep(600)
"""


def test_children_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=root, stdout=subprocess.PIPE)
    assert parent.stdout
    at_work, waiting = (int(re.sub(rb"\D", b"", parent.stdout.readline())) for _ in range(2))
    assert is_alive(at_work)
    assert is_alive(waiting)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    wait_for_end(at_work)
    wait_for_end(waiting)
