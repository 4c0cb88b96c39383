"""An authenticator app, and the time that it and the site have."""

import time

import pyotp
import pytest
from bs4 import BeautifulSoup

from tests.people import Browser

STEP_S = 30


class Clock:
    """The time of the site and of the app, which only moves when the test says so."""

    def __init__(self) -> None:
        self.now = int(time.time())

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("webapp.members.second_factors.time", clock)
    return clock


class App:
    """An authenticator app that was set up in a browser, and the recovery codes shown then."""

    def __init__(self, someone: Browser, clock: Clock, name: str = "phone") -> None:
        page = someone.get("/account/two-factor/app").text
        tree = BeautifulSoup(page, "html.parser")
        address = tree.select_one('a[href^="otpauth:"]')
        assert address is not None
        totp = pyotp.parse_uri(str(address["href"]))
        assert isinstance(totp, pyotp.TOTP)
        self.totp = totp
        self.clock = clock
        self.answer = someone.send("/account/two-factor/app", name=name, code=self.code())
        tree = BeautifulSoup(self.answer.text, "html.parser")
        self.recovery_codes = (tree.pre.get_text() if tree.pre else "").split()

    def code(self, off: int = 0) -> str:
        """The code at the clock's time, or some steps away from it."""
        return self.totp.at(self.clock.now, counter_offset=off)
