"""A text that breaks its parser costs nobody anything but its own rendering."""

import contextlib
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.rendering.conftest import is_alive, pid_of, wait_for_end
from tests.rendering.stand_ins import QUICK, stand_in
from webapp.rendering import pool
from webapp.rendering.pool import Bounds, Outcome, Renderers, RenderersBusy


@pytest.mark.parametrize(
    ("text", "bounds", "problem"),
    [
        ("burn", QUICK, "rendering it took more than 0.2 seconds of processor time"),
        ("sleep", Bounds(wall_s=0.2), "rendering it took more than 0.2 seconds"),
        ("allocate", QUICK, "rendering it took more than 1,000 MB of memory"),
        ("crash", QUICK, "its parser crashed"),
        ("fail", QUICK, "rendering it failed (RecursionError: too deep)"),
        ("exit", QUICK, "rendering it failed (SystemExit: 0)"),
    ],
)
def test_text_that_breaks_its_parser_is_not_rendered_and_the_next_one_is(
    tmp_path: Path, text: str, bounds: Bounds, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(stand_in(tmp_path, bounds)) as children:
        broken, next_one = children.render(text, "rst"), children.render("next", "rst")

    assert broken == Outcome(None, problem)
    assert next_one == Outcome("<p>NEXT</p>")
    if text != "sleep":
        assert "is shown as plain text" in caplog.text


def test_text_that_its_parser_refuses_has_no_html_and_no_problem(children: Renderers) -> None:
    assert children.render("refuse", "rst") == Outcome(None)


def test_child_stays_for_the_next_text(children: Renderers) -> None:
    assert pid_of(children) == pid_of(children)


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGKILL, signal.SIGSEGV])
def test_child_that_ended_between_two_texts_costs_none_of_them(children: Renderers, number: int) -> None:
    before = pid_of(children)

    os.kill(before, number)
    wait_for_end(before)

    assert pid_of(children) != before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_text_whose_child_somebody_ends_is_rendered_by_another(
    children: Renderers, tmp_path: Path, number: int
) -> None:
    child, goes_on = pid_of(children), tmp_path / "goes on"
    with ThreadPoolExecutor(1) as other:
        rendered = other.submit(children.render, f"wait {goes_on}", "rst")
        time.sleep(0.2)
        os.kill(child, number)
        wait_for_end(child)
        goes_on.touch()

    assert rendered.result().html == f"<p>WAIT {str(goes_on).upper()}</p>"


def test_child_ends_when_nothing_has_come_for_some_time(tmp_path: Path) -> None:
    with contextlib.closing(stand_in(tmp_path, Bounds(idle_s=1))) as children:
        wait_for_end(pid_of(children))


def test_children_end_when_they_are_closed(children: Renderers) -> None:
    pid = pid_of(children)

    children.close()

    assert not is_alive(pid)


def test_long_text_and_long_html_come_through(children: Renderers) -> None:
    text = "é\n" * 1_000_000

    assert children.render(text, "rst").html == f"<p>{text.upper()}</p>"


def test_child_that_does_not_start_costs_the_text_its_rendering(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")

    outcome = Renderers(tmp_path / "broken.py", 1).render("a", "rst")

    assert outcome.html is None
    assert outcome.problem
    assert outcome.problem.startswith("no process could be started to render it")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_thread_that_would_wait_too_long_is_told_that_all_children_are_busy(
    tmp_path: Path, children: Renderers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_S", 0.01)
    pid = pid_of(children)
    outcomes: list[Outcome] = []
    gate = tmp_path / "gate"
    busy = threading.Thread(target=lambda: outcomes.append(children.render(f"wait {gate}", "rst")))
    busy.start()
    while children._idle:
        time.sleep(0.01)

    with pytest.raises(RenderersBusy):
        children.render("a", "rst")
    gate.touch()
    busy.join()

    assert outcomes == [Outcome(f"<p>WAIT {str(gate).upper()}</p>")]
    assert pid_of(children) == pid


def test_several_threads_are_served_in_turn(tmp_path: Path) -> None:
    answers: dict[str, Outcome] = {}

    with contextlib.closing(stand_in(tmp_path, most=2)) as two:

        def ask(text: str) -> None:
            answers[text] = two.render(text, "rst")

        threads = [threading.Thread(target=ask, args=(f"text{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {f"text{number}": Outcome(f"<p>TEXT{number}</p>") for number in range(3)}
