"""The process that renders."""

import re
import socket
import subprocess
import sys
import time
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

    assert files == "<p>4</p>"  # the usual three, and the socket that tells it when its parent ends
    assert "PATH" in environment
    assert "SECRET" not in environment
    assert "MONGODB" not in environment


def test_nothing_looks_for_cycles_while_a_text_is_rendered(children: Renderers) -> None:
    assert children.render("collector", "rst").html == "<p>False</p>"


def test_text_that_arrives_while_another_is_rendered_disturbs_nothing(children: Renderers, tmp_path: Path) -> None:
    """The kernel may signal data only after it has been read, which must not be taken for the end of the parent."""
    child = children._started()
    try:
        child._link.sendall(b'["wait %s", "rst"]\n' % bytes(tmp_path / "go"))
        time.sleep(0.2)
        child._link.sendall(b'["next", "rst"]\n')
        (tmp_path / "go").touch()
        answers = [child._answers.readline() for _ in range(2)]
    finally:
        child.end()

    assert b"<p>WAIT " in answers[0]
    assert b"<p>NEXT</p>" in answers[1]


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
