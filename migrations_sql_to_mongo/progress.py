"""Show the progress: a changing line on a terminal, or plain lines now and then in a log."""

import sys
import time
from typing import TextIO

LINE_EVERY_S = 10.0
REDRAW_EVERY_S = 0.1


class Progress:
    """Shows on standard error how far each table is, with its rate and the remaining time."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._is_terminal = self._stream.isatty()
        self._label = ""
        self._started = self._shown_at = time.monotonic()
        self._line = ""

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            self._end_line()
            self._stream.write(text + "\n")
            self._stream.flush()

    def update(self, label: str, done: int, total: int) -> None:
        """Show the progress of something. Whatever had another label before is finished."""
        if self._quiet:
            return
        moment = time.monotonic()
        if label != self._label:
            self.finish()
            self._label, self._started, self._shown_at = label, moment, moment
        self._line = self._text(done, total, moment - self._started)
        every = REDRAW_EVERY_S if self._is_terminal else LINE_EVERY_S
        if moment - self._shown_at >= every:
            self._shown_at = moment
            self._stream.write(f"\r\033[K{self._line}" if self._is_terminal else self._line + "\n")
            self._stream.flush()

    def finish(self) -> None:
        """End the current line."""
        if self._label and not self._quiet:
            self._stream.write(f"\r\033[K{self._line}\n" if self._is_terminal else self._line + "\n")
            self._stream.flush()
        self._label = ""

    def _end_line(self) -> None:
        self.finish()

    def _text(self, done: int, total: int, elapsed_s: float) -> str:
        rate = done / elapsed_s if elapsed_s > 0.01 else 0
        text = f"{self._label:<24}{done:>12,} of {total:,}"
        if rate:
            text += f"  {rate:,.0f}/s"
            if done < total:
                text += f"  {duration((total - done) / rate)} left"
        return text


def duration(seconds: float) -> str:
    """Return a duration as people write it: 3725 -> "1:02:05"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
