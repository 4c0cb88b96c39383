"""A description that keeps its parser busy for as long as it may, while others read."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mongoengine
import pytest
import requests

from config import TestingConfig
from tests.faults.conftest import Keep
from tests.faults.load import Load
from tests.publishing import uploads
from tests.servers import Mongod, Site, command_line, mongod, serving
from webapp import create_app

pytestmark = pytest.mark.faults

ROUNDS = 4
QUIET_S = 5.0
SOON_S = 20
# A parser like readme_renderer's, which never comes back from a text that begins with "burn".
STAND_IN = {
    "markdown.py": """
def rendered(text):
    while text.startswith("burn"):
        pass
    return "<p>rendered</p>"

variants = {"GFM": rendered, "CommonMark": rendered}
""",
    "rst.py": "from docutils.writers.html5_polyglot import HTMLTranslator as ReadMeHTMLTranslator\nSETTINGS = {}\n",
    "clean.py": "ALLOWED_TAGS = {'p', 'pre'}\n",
    "__init__.py": "",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Mongod]:
    with mongod(tmp_path / "db", "--logpath", "/dev/null") as server:
        yield server


@pytest.fixture
def site(database: Mongod, tmp_path: Path) -> Iterator[Site]:
    """The site with a parser that hangs; its children find it before the real one."""
    package = tmp_path / "stand-in" / "readme_renderer"
    package.mkdir(parents=True)
    for name, text in STAND_IN.items():
        (package / name).write_text(text)
    with serving(tmp_path / "log", database.uri(), PYTHONPATH=str(package.parent)) as site:
        yield site


@pytest.fixture
def secret(database: Mongod, site: Site) -> Iterator[str]:
    """The token of a member."""

    class Config(TestingConfig):
        MONGODB_URI = database.uri()

    mongoengine.disconnect_all()
    with create_app(Config).app_context():
        yield uploads.publisher()[1]
    mongoengine.disconnect_all()


def upload(site: Site, secret: str, version: str, description: str) -> requests.Response:
    text = uploads.metadata("hostile", version, "Description-Content-Type: text/markdown", description=description)
    content = uploads.wheel("hostile", version, text=text)
    form = {":action": "file_upload", "protocol_version": "1"}
    file = (uploads.wheel_name("hostile", version), content)
    return requests.post(
        f"{site.address}/legacy/", form, files={"content": file}, auth=("__token__", secret), timeout=90
    )


def p95_ms(load: Load, spans: list[tuple[float, float]]) -> float:
    """The time within which 95 of 100 answers came that were asked for in these spans."""
    took = [
        answer.took_s * 1000
        for answer in load.answers
        if any(begun <= answer.at - answer.took_s and answer.at <= ended for begun, ended in spans)
    ]
    assert len(took) > 200
    return sorted(took)[len(took) * 95 // 100]


def renderers(site: Site) -> list[int]:
    """The processes of the site that render descriptions."""
    found = [child for process in site.web_processes() for child in children_of_all_threads(process)]
    return [pid for pid in found if b"rendering/child.py" in command_line(pid)]


def children_of_all_threads(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def test_readers_hardly_notice_a_description_that_uses_up_its_bounds(site: Site, secret: str, figures: Keep) -> None:
    before = site.web_processes()
    quiet, busy = [], []
    answers = [upload(site, secret, "0.1", "fine")]

    with Load(site, readers=4, writers=0) as load:
        load.wait("read", 100)
        for number in range(ROUNDS):
            begun = time.monotonic()
            time.sleep(QUIET_S)
            middle = time.monotonic()
            answers.append(upload(site, secret, f"1.{number}", f"burn {number}"))
            quiet.append((begun, middle))
            busy.append((middle, time.monotonic()))

    assert [answer.status_code for answer in answers] == [200] * (ROUNDS + 1)
    # On a busy machine 30 seconds pass before 5 seconds of processor time are used.
    assert ["rendering it took more than" in answer.text for answer in answers] == [False] + [True] * ROUNDS
    assert load.wrong == []
    assert set(load.statuses()) == {200}
    assert site.web_processes() == before
    figures(
        "descriptions that use up their bounds",
        uploads=len(busy),
        seconds_each=sum(ended - begun for begun, ended in busy) / len(busy),
        readers_p95_before_ms=p95_ms(load, quiet),
        readers_p95_meanwhile_ms=p95_ms(load, busy),
        load=os.getloadavg()[0],
    )
    assert p95_ms(load, busy) - p95_ms(load, quiet) < 20


def test_renderer_ends_with_its_web_process(site: Site, secret: str) -> None:
    threading.Thread(target=_in_vain, args=(site, secret), daemon=True).start()
    deadline = time.monotonic() + SOON_S
    while not (rendering := renderers(site)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [web_process] = [pid for pid in site.web_processes() if rendering[0] in children_of_all_threads(pid)]
    time.sleep(1)

    os.kill(web_process, signal.SIGKILL)

    # Long before it would have used up its bounds.
    time.sleep(1)
    assert not Path(f"/proc/{rendering[0]}").exists() or _is_gone(rendering[0])
    site.wait_until_up()


def _in_vain(site: Site, secret: str) -> None:
    with pytest.raises(requests.ConnectionError):
        upload(site, secret, "1.0", "burn")


def _is_gone(pid: int) -> bool:
    return bool(re.search(r"^State:\s*[ZX]", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
