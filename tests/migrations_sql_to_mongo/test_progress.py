"""Lines in a log, or one that changes on a terminal."""

import io
import time

import pytest

from migrations_sql_to_mongo.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (0.4, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599, "59:59"), (3600, "1:00:00"), (3725, "1:02:05")],
)
def test_duration_is_written_as_people_do(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_log_gets_a_line_every_ten_seconds_and_one_at_the_end(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(stream=stream)

    for seconds, done in ((0, 0), (9, 90), (10, 100), (15, 150), (20, 200)):
        clock[0] = 100 + seconds
        shown.update("users", done, 1000)
    shown.finish()
    shown.finish()

    assert stream.getvalue().splitlines() == [
        "users                            100 of 1,000  10/s  1:30 left",
        "users                            200 of 1,000  10/s  1:20 left",
        "users                            200 of 1,000  10/s  1:20 left",
    ]


def test_terminal_gets_one_line_that_changes(clock: list[float]) -> None:
    stream = Terminal()
    shown = Progress(stream=stream)

    for seconds, done in ((0, 0), (0.05, 5), (0.2, 10)):
        clock[0] = 100 + seconds
        shown.update("users", done, 10)
    shown.finish()

    line = "\r\033[Kusers                             10 of 10  50/s"
    assert stream.getvalue() == line + line + "\n"


def test_next_table_and_a_message_end_the_line_of_the_one_before(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(stream=stream)

    shown.update("users", 0, 3)
    shown.update("packages", 1, 1)
    shown.say("Done.")
    shown.say("Really.")

    assert stream.getvalue().splitlines() == [
        "users                              0 of 3",
        "packages                           1 of 1",
        "Done.",
        "Really.",
    ]


def test_quiet_one_says_nothing(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(quiet=True, stream=stream)

    shown.say("Hello")
    shown.update("users", 1, 2)
    clock[0] = 200
    shown.update("users", 2, 2)
    shown.finish()

    assert stream.getvalue() == ""
