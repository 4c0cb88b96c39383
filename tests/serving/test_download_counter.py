import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pymongo.errors import AutoReconnect, BulkWriteError

import config
from tests.counting import kept
from webapp.documents import DownloadCount, download_count
from webapp.documents.base import utc_now
from webapp.serving.download_counter import DownloadCounter, count_download


def of_flask() -> int:
    number: int = kept(f"flask/3.0/{utc_now():%Y-%m}")["count"]
    return number


def test_download_is_counted_at_once_where_the_setting_says_so(app: Flask) -> None:
    count_download("flask", "3.0")
    count_download("flask", "3.0")

    assert of_flask() == 2


def test_downloads_wait_in_memory_until_they_are_written_together(app: Flask) -> None:
    counter = DownloadCounter(3600)

    def fetch() -> None:
        for _ in range(500):
            counter.count("flask", "3.0")

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = DownloadCount.objects.count()

    counter.write()

    assert before == 0
    assert of_flask() == 2000


def test_a_thread_writes_them_after_a_while(app: Flask) -> None:
    counter = DownloadCounter(0.01)  # type: ignore[arg-type]

    counter.count("flask", "3.0")

    deadline = time.monotonic() + 10
    while not DownloadCount.objects(kind="release").count() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert of_flask() == 1


NO_SPACE = BulkWriteError({"writeErrors": [{"index": 0, "code": 8, "errmsg": "No space left on device"}]})


@pytest.mark.real_server  # mongomock takes no updates in bulk
@pytest.mark.parametrize(
    ("error", "said"),
    [(AutoReconnect("away"), "AutoReconnect: away"), (NO_SPACE, "BulkWriteError: batch op errors occurred")],
    ids=["away", "no space"],
)
def test_what_could_not_be_written_is_written_later_and_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    counter = DownloadCounter(3600)
    counter.count("flask", "3.0")
    monkeypatch.setattr(download_count, "BATCH", 1)
    collection = type(DownloadCount._get_collection())
    write: Callable[..., object] = collection.bulk_write
    calls: list[object] = []

    def away_after_one(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise error
        return write(*args, **kwargs)

    monkeypatch.setattr(collection, "bulk_write", away_after_one)

    counter.write()
    counter.count("flask", "3.0")
    counter.write()

    assert f"downloads could not be counted yet: {said}" in caplog.text
    assert [kept(key)["count"] for key in (f"{utc_now():%Y-%m}", f"flask/{utc_now():%Y-%m}")] == [2, 2]
    assert of_flask() == 2


@pytest.mark.real_server
def test_months_of_a_batch_that_were_added_are_not_added_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three months could not be written, because the disk was full."""
    counter = DownloadCounter(3600)
    counter.count("flask", "3.0")
    collection = type(DownloadCount._get_collection())
    write: Callable[..., object] = collection.bulk_write

    def without_the_second(self: Any, additions: list[Any], **kwargs: object) -> object:
        write(self, [additions[0], additions[2]], **kwargs)
        raise BulkWriteError({"writeErrors": [{"index": 1, "code": 14031, "errmsg": "no room"}]})

    with monkeypatch.context() as once:
        once.setattr(collection, "bulk_write", without_the_second)
        counter.write()
    counter.write()

    month = f"{utc_now():%Y-%m}"
    assert [kept(key)["count"] for key in (month, f"flask/{month}", f"flask/3.0/{month}")] == [1, 1, 1]


@pytest.mark.real_server
@pytest.mark.parametrize("way", ["fetch()", "process = get_context('fork').Process(target=fetch); process.start()"])
def test_process_that_ends_writes_what_it_counted(app: Flask, way: str) -> None:
    """Also one that is forked, as the web server's are: it ends without what Python does at other exits."""
    program = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from multiprocessing import get_context\n"
        "from app import app\n"
        "from webapp.serving.download_counter import count_download\n"
        "def fetch():\n"
        "    with app.app_context(): count_download('flask', '3.0')\n"
        f"{way}\n"
    )
    own = {"LARDER_ENV": "development", "MONGODB_URI": app.config["MONGODB_URI"]}

    subprocess.run(
        [sys.executable, "-c", program],
        env=dict(os.environ) | own,
        cwd=Path(config.__file__).parent,
        timeout=60,
        check=True,
    )

    assert of_flask() == 1
