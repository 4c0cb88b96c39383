"""docker-compose.yml with small disks and a clock that can be set: what a full disk and a wrong date do."""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.containers.conftest import BUSY
from tests.containers.disasters import suffering
from tests.containers.stack import Stack, upload_token, wait_for
from tests.containers.visitors import get, is_signed_in, is_up, publish, register, sign_in
from tests.faults.conftest import Keep
from tests.local_http import Answer, served
from tests.upstream.conftest import Other, described

FULL_S = 5
FILLS = 20
# `pages` may be this old (BUSY asks the database each time; here pages are kept as on a real site).
PAGE_CACHE_S = 3
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
# Where the processes of the site learn how wrong their clock is.
OVERRIDE = """
services:
  site:
    environment:
      LD_PRELOAD: /clock/libfaketime.so
      FAKETIME_TIMESTAMP_FILE: /clock/now
      FAKETIME_NO_CACHE: "1"
      FAKETIME_DONT_FAKE_MONOTONIC: "1"
      FAKETIME_DISABLE_SHM: "1"
    volumes:
      - {folder}/clock:/clock:ro
      - {library}:/clock/libfaketime.so:ro
volumes:
  mongo-data:
    driver_opts: {{type: none, o: bind, device: {folder}/mongo}}
  site-data:
    driver_opts: {{type: none, o: bind, device: {folder}/site}}
"""
SITE_USER = 10001
# An address of this machine that containers reach, too, with another index. Source: RFC 5737, for documentation.
OUTSIDE = "192.0.2.1"
COOLDOWN_DAYS = 2
# More than the site keeps of an upload in memory.
LARGE = 20_000_000


class Odd(Stack):
    """A stack whose disks are file systems of memory, and whose site believes the clock it is shown."""

    def disk(self, name: str) -> Path:
        return self.folder / name

    def set_clock(self, offset: str) -> None:
        """Move the clock of the site's processes, such as by `+1d`; `+0` is the right time."""
        (self.folder / "clock" / "now").write_text(offset + "\n")


@pytest.fixture(scope="module")
def odd(docker: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    folder = tmp_path_factory.mktemp("odd")
    for name, size in (("mongo", "1g"), ("site", "100m")):
        (folder / name).mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder / name], check=True)
    (folder / "site" / "tmp").mkdir()
    for path in (folder / "site", folder / "site" / "tmp"):
        subprocess.run(["chown", f"{SITE_USER}:{SITE_USER}", path], check=True)
    (folder / "clock").mkdir()
    (folder / "clock" / "libfaketime.so").touch()
    (folder / "odd.yml").write_text(OVERRIDE.format(folder=folder, library=FAKETIME))
    settings = BUSY | {"PAGE_CACHE_S": str(PAGE_CACHE_S), "DISK_RESERVE_BYTES": "50000000"}
    stack = Odd(folder, str(folder / "odd.yml"), **settings)
    stack.set_clock("+0")
    with stack.running():
        yield stack
    for name in ("mongo", "site"):
        subprocess.run(["umount", "--lazy", folder / name], check=True)


def fill(disk: Path, but: int = 0) -> Path:
    """Leave no room on a disk, or so many bytes; the file that takes it can be removed again."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        # Whose disk it is may take some of the room between the question and this.
        for _ in range(FILLS):
            room = os.statvfs(disk)
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - but)
                return ballast
    raise AssertionError(f"{disk} cannot be filled")


def test_full_disk_of_mongodb_loses_nothing(odd: Odd, figures: Keep) -> None:
    with suffering(odd, figures, f"volume of MongoDB full for {FULL_S} s"):
        ballast = fill(odd.disk("mongo"))
        time.sleep(FULL_S)
        ballast.unlink()


def test_upload_that_finds_too_little_room_in_the_database_is_refused(odd: Odd) -> None:
    secret = upload_token(odd)
    ballast = fill(odd.disk("mongo"), but=20_000_000)
    try:
        refused = publish(secret, "larder-roomy", "1.0")
    finally:
        ballast.unlink()

    assert refused.status_code == 507, refused.text
    wait_for(lambda: publish(secret, "larder-roomy", "1.0").status_code == 200, "room again", 60)


def test_full_disk_of_the_site_refuses_large_uploads_and_nothing_else(odd: Odd, figures: Keep) -> None:
    secret = upload_token(odd)
    before = publish(secret, "larder-large", "1.0", LARGE)

    with suffering(odd, figures, f"volume of the site full for {FULL_S} s") as load:
        ballast = fill(odd.disk("site"))
        refused = publish(secret, "larder-large", "2.0", LARGE)
        small = publish(secret, "larder-small")
        time.sleep(FULL_S)
        ballast.unlink()

    assert set(load.statuses()) == {200}
    assert (before.status_code, small.status_code) == (200, 200), before.text + small.text
    assert refused.status_code == 507, refused.text
    assert publish(secret, "larder-large", "2.0", LARGE).status_code == 200


def test_clock_a_day_ahead_and_back_stops_nobody(odd: Odd, figures: Keep) -> None:
    with suffering(odd, figures, "clock of the site a day ahead for 5 s, and back") as load:
        odd.set_clock("+1d")
        load.wait("read", 10)
        load.wait("write", 3)
        time.sleep(FULL_S)
        odd.set_clock("+0")

    assert set(load.statuses()) == {200}


def token_until(stack: Stack, hours: int) -> str:
    """The secret of a token that is valid for so many hours."""
    program = (
        "from datetime import datetime, timedelta, UTC\nfrom app import app\nfrom webapp.documents import User\n"
        "from webapp.members.api_tokens import make_token\n"
        "with app.app_context():\n"
        "    user = User.objects.get(username='clock')\n"
        f"    end = datetime.now(UTC) + timedelta(hours={hours})\n"
        "    print(make_token(user, name='tests', project=None, permissions=['upload'], expires_at=end)[0])\n"
    )
    return stack.run("site", "python", "-c", program).splitlines()[-1]


def test_a_day_ahead_sessions_and_tokens_end_and_nothing_is_locked_afterwards(odd: Odd) -> None:
    register("clock")
    browser, _ = sign_in("clock")
    secret = token_until(odd, 12)
    assert is_signed_in(browser)
    assert publish(secret, "larder-clock", "1.0").status_code == 200

    odd.set_clock("+1d")
    try:
        ended = not is_signed_in(browser)
        refused = publish(secret, "larder-clock", "2.0")
        from_tomorrow = publish(token_until(odd, 12), "larder-clock", "3.0")
        _, right = sign_in("clock")
        wrong = [sign_in("clock", "wrong")[1] for _ in range(12)]
    finally:
        odd.set_clock("+0")
    time.sleep(PAGE_CACHE_S)

    uploaded = get("/pypi/larder-clock/3.0/json").json()["urls"][0]["upload_time_iso_8601"]
    assert datetime.fromisoformat(uploaded) - datetime.now(UTC) > timedelta(hours=23)
    assert (ended, refused.status_code, from_tomorrow.status_code) == (True, 403, 200)
    assert (right, 429 in wrong) == (302, True)
    assert sign_in("clock")[1] == 302
    assert publish(secret, "larder-clock", "4.0").status_code == 200
    assert get("/project/larder-clock/").status_code == 200
    assert sorted(re.findall(r">larder_clock-(\d)\.0", get("/simple/larder-clock/").text)) == ["1", "3", "4"]


@pytest.fixture
def other(odd: Odd) -> Iterator[Other]:
    """Another index, outside of the containers, that the site asks; it has no project yet."""
    subprocess.run(["ip", "address", "replace", OUTSIDE, "dev", "lo"], check=True)
    answers: dict[str, Answer] = {}
    with served(answers, host=OUTSIDE) as address, odd.env.open("a") as env:
        env.write(f"UPSTREAM_INDEX={address}/simple/\nUPSTREAM_COOLDOWN_DAYS={COOLDOWN_DAYS}\n")
        env.flush()
        odd.compose("up", "-d", "--no-build", "--no-deps", "site")
        wait_for(lambda: odd.health("site") == "healthy" and is_up(), "a site that asks another index")
        yield Other(answers, [], address)


def files_of(name: str) -> list[str]:
    """The names of the files that installers find for a project; empty if it does not exist."""
    return re.findall(r">([a-z]+)-1\.0\.tar\.gz<", get(f"/simple/{name}/").text)


def test_cooldown_goes_by_the_clock_and_an_absent_project_is_asked_for_again(odd: Odd, other: Other) -> None:
    ages = {"young": timedelta(hours=12), "aging": timedelta(hours=36), "old": timedelta(days=10)}
    now = datetime.now(UTC)
    dates = {name: (now - age).isoformat() for name, age in ages.items()}
    other.lists(*[described(filename=f"{name}-1.0.tar.gz") | {"upload-time": date} for name, date in dates.items()])
    before = files_of("larder-probe")

    odd.set_clock("+1d")
    try:
        wait_for(lambda: files_of("larder-probe") == ["aging", "old"], "the file that is two days old then", 60)
        absent = get("/simple/larder-late/").status_code
    finally:
        odd.set_clock("+0")
    there = other.answers["/simple/larder-probe/"]
    other.answers["/simple/larder-late/"] = there._replace(body=there.body.replace(b"larder-probe", b"larder-late"))

    assert (before, absent) == (["old"], 404)
    wait_for(lambda: files_of("larder-probe") == ["old"], "the file that is not two days old now", 60)
    wait_for(lambda: files_of("larder-late") == ["old"], "the project that was absent", 60)
